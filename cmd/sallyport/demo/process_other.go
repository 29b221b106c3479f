//go:build !unix

package demo

import (
	"errors"
	"io/fs"

	"github.com/creack/pty"
	gossh "golang.org/x/crypto/ssh"
)

// account is nobody here: the demo host needs a Unix system.
type account struct{ name, shell string }

func findAccount() (account, error) {
	return account{}, errors.New("the demo host needs a Unix system")
}

func (account) own(string) error     { return nil }
func (account) reaches(string) bool  { return true }
func (account) dirMode() fs.FileMode { return 0o700 }

// process is never started: findAccount fails first.
type process struct{ serving bool }

func (*Host) start(terminal, string) (*process, bool) { return nil, false }
func (*process) serve(gossh.Channel)                  {}
func (*process) resize(*pty.Winsize) bool             { return false }
func (*process) signal(string) bool                   { return false }
func (*process) hangUp()                              {}
