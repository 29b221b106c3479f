package ssh

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/pkg/sftp"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// manyNamed is a file service as that of Windows: a name is the same in upper and lower
// case, with a dot behind, as a short one, and with a stream's.
type manyNamed map[string]bool // directories, by path

func (w manyNamed) find(p string) (string, bool) {
	p = strings.ReplaceAll(strings.ToLower(p), "secret~1", "secret folder")
	p = strings.TrimSuffix(strings.ReplaceAll(p, "./", "/"), "::$data")
	for name := range w {
		if strings.ToLower(name) == strings.TrimRight(p, ". ") {
			return name, true
		}
	}
	return "", false
}

func (w manyNamed) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if name, ok := w.find(r.Filepath); ok {
		return strings.NewReader(name), nil
	}
	return nil, os.ErrNotExist
}

func (w manyNamed) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	name, ok := w.find(r.Filepath)
	if r.Filepath != "/" && !ok {
		return nil, os.ErrNotExist
	}
	mode := uint32(0o100600)
	if r.Filepath == "/" || w[name] {
		mode = 0o040700
	}
	return theFile{sftp.FileStat{Mode: mode}}, nil
}

func (w manyNamed) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method != "List" {
		return w.Lstat(r)
	}
	dir, _ := w.find(r.Filepath)
	var all namedFiles
	for name := range w {
		if path.Dir(name) == dir {
			all = append(all, namedFile{name: path.Base(name)})
		}
	}
	return all, nil
}

type namedFile struct {
	theFile
	name string
}

func (f namedFile) Name() string { return f.name }

type namedFiles []fs.FileInfo

func (l namedFiles) ListAt(to []fs.FileInfo, at int64) (int, error) {
	if at >= int64(len(l)) {
		return 0, io.EOF
	}
	return copy(to, l[at:]), nil
}

// On Windows a file is judged by the one name that its directory lists, however it is
// asked for.
func TestOneNameOnWindows(t *testing.T) {
	w := manyNamed{"/C:": true, "/C:/Secret Folder": true, "/C:/Secret Folder/Key.txt": false, "/C:/Data": true, "/C:/Data/a.txt": false}
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			_ = r.Reply(r.Type == "subsystem", nil)
			if r.Type == "subsystem" {
				break
			}
		}
		_ = sftp.NewRequestServer(ch, sftp.Handlers{FileGet: w, FileList: w}).Serve()
	}}
	f.config.ServerVersion = "SSH-2.0-OpenSSH_for_Windows_9.5"
	f.passwords()
	f.start(t)
	c := f.open(t, Options{}).(connectors.Filer)
	refused := errors.New("refused")
	var judged string
	g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
		if judged = op.Facts.Files[0].Path; strings.HasPrefix(judged, "/C:/Secret Folder/") {
			return refused
		}
		return nil
	}}
	for asked, want := range map[string]string{"/C:/Data/a.txt": "/C:/Data/a.txt", "/c:/DATA/A.TXT": "/C:/Data/a.txt"} {
		if err := doFile(t.Context(), c, g, connectors.FileCall{Do: connectors.ReadFile, Path: asked}); err != nil || judged != want {
			t.Errorf("%s: judged is %s, %v", asked, judged, err)
		}
	}
	for _, asked := range []string{"/C:/Secret Folder/Key.txt", "/c:/secret folder/KEY.txt", "/C:/SECRET~1/Key.txt", "/C:/Secret Folder./Key.txt", "/C:/Secret Folder/Key.txt.",
		"/C:/Secret Folder/Key.txt::$DATA", "/C:/Data/../secret folder/key.txt", `/C:/Data/..\\Secret Folder\\Key.txt`} {
		if err := doFile(t.Context(), c, g, connectors.FileCall{Do: connectors.ReadFile, Path: asked}); err == nil {
			t.Errorf("%s was read, judged as %s", asked, judged)
		}
	}
}
