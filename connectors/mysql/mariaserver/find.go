package mariaserver

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors/internal/process"
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
	p := programs{server: process.Find("mariadbd"), install: process.Find("mariadb-install-db")}
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
