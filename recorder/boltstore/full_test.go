//go:build linux

package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// fullDir makes this test binary a recorder whose files may not grow beyond
// fullSize: each write past it fails, as on a disk that is full.
const (
	fullDir  = "SALLYPORT_FULL_DIR"
	fullSize = 1 << 20
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullDir); dir != "" {
		if err := fill(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fill records until it fails and tells how much was acknowledged. Reading has to
// go on, and nothing more may be accepted.
func fill(dir string) error {
	ctx := context.Background()
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	r, err := recorder.New(s, recorder.Options{})
	if err != nil {
		return err
	}
	tr, err := r.Begin(ctx, recorder.Header{})
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: fullSize, Max: fullSize}); err != nil {
		return err
	}
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = tr.Record(ctx, recorder.KindNote, recorder.Note{Text: fmt.Sprint(n, strings.Repeat(" ", 4000))})
	}
	fmt.Println(n-1, tr.ID())
	if !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("the disk is full, and Record says %w", err)
	}
	if err := tr.Record(ctx, recorder.KindNote, recorder.Note{}); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("after the failure: %w", err)
	}
	if _, err := r.Begin(ctx, recorder.Header{}); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("another transcript: %w", err)
	}
	events, err := r.Read(ctx, tr.ID(), 0, 10)
	if err != nil || len(events) < 10 {
		return fmt.Errorf("reading after the failure: %d events, %w", len(events), err)
	}
	if err := r.Close("full"); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("close tells nothing of it: %w", err)
	}
	return nil
}

// TestDiskFull: sessions end with a reason, readers go on, and once there is room
// again all that was acknowledged is there.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var acked int
	var id recorder.ID
	if _, err := fmt.Fscan(bytes.NewReader(out), &acked, &id); err != nil || acked < 20 {
		t.Fatalf("%v: %s", err, out)
	}
	s := openWith(t, dir, Options{})
	r, err := recorder.New(s, recorder.Options{})
	fatal(t, err)
	h, err := r.Head(t.Context(), id)
	if err != nil || h.Ended == nil || h.Ended.Reason != "interrupted" || int(h.Next) < acked+2 {
		t.Errorf("%d acknowledged, then %+v, %v", acked, h, err)
	}
	report, err := recorder.Verify(t.Context(), s)
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("%v, %v", err, report.Faults)
	}
	fatal(t, r.Close("examined"))
}
