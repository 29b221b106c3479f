package main

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
)

const (
	// backupSocket is where a running bastion hands out backups: who may write to
	// the data directory could copy the files as well.
	backupSocket = "backup.sock"
	// backupStall is how long a reader of a backup may take for a piece of it.
	backupStall = time.Minute
	// backupDone is the last file of an archive: without it, it was cut off.
	backupDone = "complete"
)

// runBackup writes the evidence of a bastion, running or stopped, into one file.
func runBackup(ctx context.Context, args []string, io stdio) error {
	f := flags("backup", io)
	data := f.String("data", "", "the data directory (default: the demo's)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return &usageError{"backup needs the FILE to write", ""}
	}
	dir, err := archiveFlags{data: data}.directory()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.Arg(0), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &hinted{fmt.Errorf("%q is there already", f.Arg(0)), "a backup never overwrites another"}
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	err = backUp(ctx, dir, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Arg(0)))
	}
	fmt.Fprintf(io.err, "wrote %s: tar -x it into a directory, then: sallyport transcript verify --data DIRECTORY\n"+
		"the signing key and identities are not in it: keep %s/*.key and *.identity elsewhere\n", f.Arg(0), dir)
	return nil
}

// backUp asks the bastion that runs on the data, else it reads the files.
func backUp(ctx context.Context, dir string, w io.Writer) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, backupSocket))
	if err == nil {
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		return received(io.TeeReader(conn, w))
	}
	store, err := boltstore.Open(dir, boltstore.Options{ReadOnly: true})
	if err != nil {
		return notOpened(dir, err)
	}
	return errors.Join(writeBackup(ctx, dir, store, w), store.Close())
}

// received reads an archive to its end and sees that it is all of it.
func received(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err != nil {
			return fmt.Errorf("the backup was cut off: %w", err)
		}
		if _, err := io.Copy(io.Discard, t); err != nil {
			return fmt.Errorf("the backup was cut off: %w", err)
		}
		if h.Name == backupDone {
			_, err := io.Copy(io.Discard, r) // the archive's padding
			return err
		}
	}
}

// writeBackup writes the archive.
func writeBackup(ctx context.Context, dir string, store *boltstore.Store, w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<20)
	t := tar.NewWriter(b)
	if err := ledger.Backup(dir, t); err != nil {
		return err
	}
	if err := store.Backup(ctx, t); err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: backupDone, Mode: 0o600, ModTime: time.Now()}); err != nil {
		return err
	}
	return errors.Join(t.Close(), b.Flush())
}

// backups hands out backups on a socket in the data directory.
type backups struct {
	l      net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// serveBackups starts it. A directory whose name is too long for a socket is no
// reason not to start: it is logged.
func serveBackups(dir string, store *boltstore.Store, log *slog.Logger) (*backups, error) {
	path := filepath.Join(dir, backupSocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("serve backups: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		log.Warn("no backups while running", "error", err)
		return nil, nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("serve backups: %w", err), l.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &backups{l: l, cancel: cancel}
	b.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() {
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				defer stop()
				if err := errors.Join(writeBackup(ctx, dir, store, stalling{conn}), conn.Close()); err != nil {
					log.Error("backup failed", "error", err)
				}
			})
		}
	})
	return b, nil
}

// stalling is a connection whose reader must go on reading: a backup holds up
// packing.
type stalling struct{ net.Conn }

func (s stalling) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(backupStall)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// close ends it before the store is closed.
func (b *backups) close() error {
	if b == nil {
		return nil
	}
	b.cancel()
	err := b.l.Close() // removes the socket
	b.wg.Wait()
	return err
}
