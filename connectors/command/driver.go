package command

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Options of a Driver. The zero value is right.
type Options struct {
	// Child is the command that runs Child; nil is this binary with ChildArgument.
	Child []string
	// Grace is how long a program has to end after SIGTERM; 0 is 5 seconds.
	Grace time.Duration
}

// Driver runs declared programs. It is safe for concurrent use.
type Driver struct{ o Options }

var _ connectors.Driver = (*Driver)(nil)

// New returns a driver.
func New(o Options) *Driver {
	if o.Child == nil {
		o.Child = []string{self(), ChildArgument}
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	return &Driver{o}
}

// self is this binary, by a name that another user can run too, wherever it lies,
// and that stays this binary when another takes its place.
func self() string {
	const image = "/proc/self/exe" // proc(5)
	if _, err := os.Stat(image); err == nil {
		return image
	}
	path, err := os.Executable()
	if err != nil {
		return image // it fails when it is run, and says so
	}
	return path
}

// Kind is "command".
func (*Driver) Kind() string { return "command" }

// Open looks whether the program is there and can be run as e.User; nothing of it
// runs yet. The secret, if there is one, is kept until Close, for the program alone.
// Errors wrap connectors.ErrUnreachable or ErrCredential.
func (d *Driver) Open(_ context.Context, e connectors.Endpoint, secret mask.Secret, _ connectors.Guard) (connectors.Conn, error) {
	if e.Command == nil {
		return nil, fmt.Errorf("open %q: %w: nothing is declared", e.Name, connectors.ErrUnreachable)
	}
	if err := runnable(e.Command.Program); err != nil {
		return nil, fmt.Errorf("open %q: %w: %w", e.Name, connectors.ErrUnreachable, err)
	}
	as, err := login(e.User)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w: %w", e.Name, connectors.ErrCredential, err)
	}
	c := &Conn{d: d, declared: e.Command, as: as}
	if !secret.Empty() {
		c.secret = mask.NewSecret(append([]byte(nil), secret.Reveal()...))
	}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	return c, nil
}

// runnable refuses what is no program, and what others could change.
func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s is not there", path)
	case !filepath.IsAbs(path) || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is no program", path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others than its owner may write to %s", path)
	}
	return nil
}

// account is whom a program runs as.
type account struct {
	name, home string
	uid, gid   uint32
	groups     []uint32
	other      bool // than the bastion itself
}

// login finds the account; "" is the bastion's own.
func login(name string) (account, error) {
	var u *user.User
	var err error
	if name == "" {
		u, err = user.Current()
	} else {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return account{}, fmt.Errorf("there is no user %q on this machine", name)
	}
	a := account{name: u.Username, home: u.HomeDir}
	if a.uid, err = id(u.Uid); err != nil {
		return a, err
	}
	if a.gid, err = id(u.Gid); err != nil {
		return a, err
	}
	if a.other = int(a.uid) != os.Geteuid(); !a.other {
		return a, nil
	}
	if os.Geteuid() != 0 {
		return a, fmt.Errorf("only a bastion that runs as root can run it as %q", name)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return a, fmt.Errorf("the groups of %q cannot be told", name)
	}
	for _, g := range groups {
		n, err := id(g)
		if err != nil {
			return a, err
		}
		a.groups = append(a.groups, n)
	}
	return a, nil
}

func id(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of a user or group", s)
	}
	return uint32(n), nil
}

// Conn is leave to run one declared program, again and again.
type Conn struct {
	d        *Driver
	declared *connectors.Command
	as       account
	secret   mask.Secret

	ctx  context.Context
	end  context.CancelCauseFunc
	once sync.Once

	mu     sync.Mutex // above closed, and the start of runs
	closed bool
	runs   sync.WaitGroup
}

var (
	_ connectors.Executor = (*Conn)(nil)
	_ connectors.Judge    = (*Conn)(nil)
	_ connectors.Planner  = (*Conn)(nil)
)

// enter notes a run, which the caller ends with runs.Done; there is none once the
// connection is closed.
func (c *Conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.runs.Add(1)
	return true
}

// Close ends what runs and forgets the secret.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end(connectors.ErrCanceled)
	c.runs.Wait()
	c.once.Do(c.secret.Destroy)
	return nil
}

// Plan returns the argv of a command.
func (c *Conn) Plan(_ context.Context, command string) ([]string, error) {
	return Plan(c.declared, command)
}

// Judge finds the facts of a command. One that does not fit the declaration is
// unknown, and says why.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	argv, err := Plan(c.declared, s.Text)
	if err != nil {
		return policy.Facts{Class: policy.Unknown, Why: err.Error()}, nil
	}
	return facts(c.declared, argv), nil
}

// facts are those of the declaration: what a program does, only its owner knows.
func facts(c *connectors.Command, argv []string) policy.Facts {
	f := policy.Facts{Class: c.Class, Verb: "RUN", Destructive: c.Destructive, Why: "declared so",
		Commands: []policy.Command{{Name: filepath.Base(argv[0]), Args: argv[1:], Class: c.Class}}}
	if c.Class == policy.Unknown {
		f.Why = "its declaration gives no class"
	}
	return f
}
