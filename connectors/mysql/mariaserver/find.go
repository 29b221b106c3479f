package mariaserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotFound: there are no MariaDB server programs on this machine.
var ErrNotFound = errors.New("no MariaDB server programs found (mariadbd and mariadb-install-db, in PATH, /usr/sbin or /usr/bin)")

// programs are the server and what makes its data folder.
type programs struct{ server, install, version string }

// Available reports whether there are server programs to start: nil or
// ErrNotFound.
func Available(ctx context.Context) error {
	_, err := find(ctx)
	return err
}

func find(ctx context.Context) (programs, error) {
	p := programs{server: look("mariadbd"), install: look("mariadb-install-db")}
	if p.server == "" || p.install == "" {
		return p, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.server, "--no-defaults", "--version").Output()
	_, after, ok := strings.Cut(string(out), "Ver ")
	if err != nil || !ok {
		return p, ErrNotFound
	}
	p.version, _, _ = strings.Cut(after, " ")
	return p, nil
}

// look finds a program in PATH and where distributions put servers.
func look(name string) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/libexec", "/opt/homebrew/bin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}
