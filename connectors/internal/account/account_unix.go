//go:build unix

// Package account answers: whom does a database's server run as, where it refuses to
// be root?
package account

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrReach is wrapped where the account cannot get to a folder.
var ErrReach = errors.New("is not reachable for the user that the server runs as")

// Account is whom a server runs as; nil is oneself.
type Account struct {
	name     string
	uid, gid uint32
}

// For returns the first of the users that there is, and nil where this process is not
// root. program is named in errors.
func For(program string, users ...string) (*Account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &Account{name, uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("%s does not run as root, and there is no user %s to run it as", program, strings.Join(users, " or "))
}

// Own gives path to the account and checks that it can get there.
func (a *Account) Own(path string) error {
	if a == nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at %q: %w", dir, err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		owned := ok && st.Uid == a.uid && info.Mode()&0o100 != 0
		if !owned && info.Mode()&0o001 == 0 {
			return fmt.Errorf("folder %q %w (%s): choose one under %q", dir, ErrReach, a.name, os.TempDir())
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at %q: %w", path, err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != a.uid && st.Uid != 0 || info.Mode()&os.ModeSymlink != 0 {
		return fmt.Errorf("%q belongs to somebody else", path)
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give %q to %s: %w", path, a.name, err)
	}
	return nil
}

// Become makes cmd run as the account, in a process group and environment of
// its own.
func (a *Account) Become(cmd *exec.Cmd) {
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}
