package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const readme = `Welcome to demo-host.

This is a real shell on a real terminal: vim, top and less work, and so do
colours and resizing. Everything you type and everything you see is recorded.
Leave with "exit", and you are back in the picker.

  cat app.log        the log of a shop: card numbers and e-mail addresses in it
                     are masked on the way to you, and in the recording
  less customers.csv the same in a table
  vim notes.txt      change something
  top                watch something

An interactive shell is recorded and can be watched and ended, but what is typed
in it is not judged. Single commands are a verb of the bastion:
exec demo-host -- uptime
`

const profile = `# Read by the login shells of the demo host.
PS1='demo-host$ '
`

const notes = `Things to try
- delete from orders, and let bob approve it
- replay this session from the transcripts tab
`

// settle makes the home of the shells, keeping the files that are there.
func (h *Host) settle() (err error) {
	if h.home, err = filepath.Abs(filepath.Join(h.dir, homeDir)); err != nil {
		return err
	}
	if !h.reachable() {
		if h.scratch, err = os.MkdirTemp("", "sallyport-demo-host-"); err != nil {
			return err
		}
		if err := os.Chmod(h.scratch, 0o711); err != nil {
			return err
		}
		h.home = filepath.Join(h.scratch, homeDir)
	}
	if err := os.MkdirAll(h.home, 0o700); err != nil {
		return fmt.Errorf("home: %w", err)
	}
	if err := h.account.own(h.home); err != nil {
		return fmt.Errorf("home: %w", err)
	}
	return h.furnish()
}

// reachable reports whether the account can come to the home: through each
// directory above it.
func (h *Host) reachable() bool {
	for dir := filepath.Dir(h.home); ; dir = filepath.Dir(dir) {
		if !h.account.reaches(dir) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// furnish writes the files that are missing. O_EXCL, so that no link that
// somebody left in the home leads anywhere.
func (h *Host) furnish() error {
	files := map[string]string{
		"README": readme, ".profile": profile, "notes.txt": notes,
		"app.log": appLog(), "customers.csv": customersCSV(),
	}
	for name, text := range files {
		path := filepath.Join(h.home, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("home: %w", err)
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close(), h.account.own(path)); err != nil {
			return fmt.Errorf("home: %w", err)
		}
	}
	return nil
}

// appLog is a log that says too much, as logs do.
func appLog() string {
	g := generator{rand.New(rand.NewPCG(seed, 2))}
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	var b strings.Builder
	for i := range 120 {
		at = at.Add(time.Duration(1+g.IntN(90)) * time.Second)
		c := g.customer(i + 1)
		fmt.Fprintf(&b, "%s INFO  ", at.Format(time.RFC3339))
		switch g.IntN(5) {
		case 0:
			fmt.Fprintf(&b, "payment accepted order=%d card=%s amount=%s EUR\n", 1+g.IntN(orderCount), c.card, g.amount())
		case 1:
			fmt.Fprintf(&b, "receipt sent to %s order=%d\n", c.email, 1+g.IntN(orderCount))
		case 2:
			fmt.Fprintf(&b, "identity check customer=%d ssn=%s result=ok\n", c.id, c.ssn)
		case 3:
			fmt.Fprintf(&b, "GET /orders/%d 200 %dms ip=%s\n", 1+g.IntN(orderCount), 3+g.IntN(200), g.ip())
		default:
			fmt.Fprintf(&b, "sign-in %s ip=%s\n", c.email, g.ip())
		}
	}
	return b.String()
}

func customersCSV() string {
	g := generator{rand.New(rand.NewPCG(seed, 3))}
	var b strings.Builder
	b.WriteString("id,name,email,card\n")
	for i := range 40 {
		c := g.customer(i + 1)
		fmt.Fprintf(&b, "%d,%s,%s,%s\n", c.id, c.name, c.email, c.card)
	}
	return b.String()
}
