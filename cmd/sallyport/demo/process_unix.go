//go:build unix

package demo

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// account is who the shells are.
type account struct {
	name, shell string
	credential  *syscall.Credential // nil for the user of this process
}

// findAccount is the user who runs the demo, or nobody where that is root.
func findAccount() (account, error) {
	shell := firstOf("/bin/bash", "/usr/bin/bash", "/bin/sh")
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return account{}, err
		}
		if own := firstOf(os.Getenv("SHELL")); own != "" {
			shell = own
		}
		return account{name: u.Username, shell: shell}, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return account{}, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, err
	}
	return account{u.Username, shell, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// own gives a file to the account.
func (a account) own(file string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(file, int(a.credential.Uid), int(a.credential.Gid))
}

// dirMode is of the host's directory: the account must pass through it. What is
// secret in it has a mode of its own.
func (a account) dirMode() os.FileMode {
	if a.credential == nil {
		return 0o700
	}
	return 0o711
}

// reaches reports whether the account may pass through the directory.
func (a account) reaches(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return a.credential == nil || ok && st.Uid == a.credential.Uid || info.Mode()&0o001 != 0
}

// process is a program of the account, with or without a terminal.
type process struct {
	cmd     *exec.Cmd
	ptm     *os.File   // nil without a terminal
	ours    []*os.File // ends that this process keeps: stdin, stdout, stderr
	serving bool       // of the session's goroutine

	mu    sync.Mutex
	ended bool // no signal may be sent: the number may be another's
}

// start starts a program; nothing is read of its output before serve.
func (h *Host) start(want terminal, text string) (*process, bool) {
	program, args := h.command(text)
	p := &process{cmd: &exec.Cmd{Path: program, Args: args, Dir: h.home, Env: h.environment(want.term)}}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: h.account.credential}
	open := p.openPipes
	if want.size != nil {
		open = func() ([]*os.File, error) { return p.openTerminal(h.account, want.size) }
	}
	theirs, err := open()
	if err == nil {
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
		err = p.cmd.Start()
	}
	closeAll(theirs)
	if err != nil {
		closeAll(p.ours)
		return nil, false
	}
	return p, true
}

// openPipes makes pipes of our own, so that closing our ends always ends the
// copies, whoever else holds the others.
func (p *process) openPipes() (theirs []*os.File, err error) {
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		if i == 0 {
			r, w = w, r
		}
		p.ours, theirs = append(p.ours, r), append(theirs, w)
	}
	return theirs, nil
}

func (p *process) openTerminal(a account, size *pty.Winsize) (theirs []*os.File, err error) {
	ptm, tty, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer ptm.Close()
	theirs = []*os.File{tty, tty, tty}
	if err := errors.Join(pty.Setsize(ptm, size), a.own(tty.Name())); err != nil {
		return theirs, err
	}
	// The library leaves the file blocking, so that closing it would not end a
	// Read, nor hang up while one waits.
	fd, err := syscall.Dup(int(ptm.Fd()))
	if err != nil {
		return theirs, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return theirs, errors.Join(err, syscall.Close(fd))
	}
	p.ptm = os.NewFile(uintptr(fd), ptm.Name())
	p.ours = []*os.File{p.ptm}
	p.cmd.SysProcAttr.Setctty = true
	return theirs, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // also more than once
	}
}

// drain is how long output may still come of a terminal after its program has
// ended: something in the background may hold it open for ever.
const drain = 200 * time.Millisecond

// serve moves bytes until the program has ended, and tells how it did.
func (p *process) serve(ch gossh.Channel) {
	defer ch.Close()
	defer closeAll(p.ours)
	shown := make(chan struct{})
	if p.ptm != nil {
		go func() { _, _ = io.Copy(p.ptm, ch) }() // a terminal has no end of input
		go func() {
			defer close(shown)
			_, _ = io.Copy(ch, p.ptm) // ends with EIO once nobody has the terminal
		}()
	} else {
		go func() {
			_, _ = io.Copy(p.ours[0], ch)
			_ = p.ours[0].Close()
		}()
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(ch, p.ours[1]) })
		both.Go(func() { _, _ = io.Copy(ch.Stderr(), p.ours[2]) })
		go func() { both.Wait(); close(shown) }()
	}
	_ = p.cmd.Wait() // how it ended is in ProcessState
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.show(shown)
	_ = ch.CloseWrite()
	p.tell(ch)
}

// show waits for the rest of the output: of pipes until everybody has closed
// them or the client hangs up, of a terminal a moment.
func (p *process) show(shown <-chan struct{}) {
	if p.ptm == nil {
		<-shown
		return
	}
	wait := time.NewTimer(drain)
	defer wait.Stop()
	select {
	case <-shown:
	case <-wait.C:
	}
}

// tell sends exit-status or exit-signal (RFC 4254 section 6.10).
func (p *process) tell(ch gossh.Channel) {
	st, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && st.Signaled() {
		for name, s := range signals {
			if s == st.Signal() {
				_, _ = ch.SendRequest("exit-signal", false, gossh.Marshal(struct {
					Name       string
					Core       bool
					Text, Lang string
				}{name, st.CoreDump(), "", ""}))
				return
			}
		}
	}
	_, _ = ch.SendRequest("exit-status", false, gossh.Marshal(struct{ Code uint32 }{uint32(p.cmd.ProcessState.ExitCode())}))
}

func (p *process) resize(size *pty.Winsize) bool {
	if p.ptm == nil || size == nil {
		return false
	}
	raw, err := p.ptm.SyscallConn()
	if err != nil {
		return false
	}
	set := unix.Winsize{Row: size.Rows, Col: size.Cols}
	cerr := raw.Control(func(fd uintptr) { err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &set) })
	return cerr == nil && err == nil
}

// signals are those of RFC 4254 section 6.10.
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP, "ILL": syscall.SIGILL,
	"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV,
	"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// signal sends one to the program's process group.
func (p *process) signal(name string) bool {
	s, ok := signals[name]
	return ok && p.kill(s)
}

func (p *process) kill(s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.ended && syscall.Kill(-p.cmd.Process.Pid, s) == nil
}

// hangUpTime is what a program gets to end by itself after HUP.
const hangUpTime = 2 * time.Second

// hangUp ends the program and what it has started in its session, once the client
// is gone.
func (p *process) hangUp() {
	left := stragglers(p.cmd.Process.Pid)
	p.kill(syscall.SIGHUP)
	for _, s := range left {
		s.signal(syscall.SIGHUP)
	}
	closeAll(p.ours) // the terminal hangs up, and pipes break
	time.AfterFunc(hangUpTime, func() {
		p.kill(syscall.SIGKILL)
		for _, s := range left {
			s.signal(syscall.SIGKILL)
		}
	})
}
