package ssh

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// gear is a switch, as they are: a banner, a password asked for by keyboard-interactive
// in two rounds, a shell and nothing else, lines that end in CR LF, a pager, and no word
// on how it ended.
func gear(t *testing.T, seen *[]string) *fake {
	f := &fake{}
	f.config.ServerVersion = "SSH-2.0-Cisco-1.25"
	f.config.BannerCallback = func(gossh.ConnMetadata) string { return "\r\n*** \x1b[31mauthorized access only ***\r\n" }
	f.config.KeyboardInteractiveCallback = func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
		answers, err := ask("", "", []string{"Password: "}, []bool{false})
		if err == nil {
			err = f.judge(strings.Join(answers, ""))
		}
		if err == nil {
			_, err = ask("", "Welcome", nil, nil)
		}
		return nil, err
	}
	var mu sync.Mutex
	f.session = func(ch gossh.Channel, requests <-chan *gossh.Request) {
		started, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			for r := range requests {
				mu.Lock()
				*seen = append(*seen, r.Type)
				mu.Unlock()
				_ = r.Reply(r.Type == "pty-req" || r.Type == "shell", nil)
				if r.Type == "shell" {
					close(started)
				}
			}
		}()
		select {
		case <-started:
		case <-over:
			return // it was asked for something else
		}
		_, _ = io.WriteString(ch, "\r\nsw-1>")
		line := make([]byte, 0, 64)
		for b := make([]byte, 1); ; {
			if _, err := ch.Read(b); err != nil {
				return
			}
			if b[0] != '\r' {
				line = append(line, b[0])
				_, _ = ch.Write(b)
				continue
			}
			switch string(line) {
			case "show log":
				_, _ = io.WriteString(ch, "\r\n%LINK-3-UPDOWN: Gi0/1\r\nuser bob@example.com\r\n --More-- ")
				_, _ = ch.Read(b)
				_, _ = io.WriteString(ch, "\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b%SYS-5-CONFIG_I\r\nsw-1>")
			case "exit":
				return
			}
			line = line[:0]
		}
	}
	f.start(t)
	return f
}

// A switch's shell is exact, its pager too, and its end is no failure though it says
// nothing; it runs no commands, and is asked for none of what it does not know.
func TestNetworkGear(t *testing.T) {
	var seen []string
	f := gear(t, &seen)
	c := f.open(t, Options{})
	in, typed := io.Pipe()
	out := &watched{see: map[string]func(){}}
	out.see["sw-1>"] = func() { go func() { _, _ = io.WriteString(typed, "show log\r") }() }
	out.see["--More-- "] = func() { go func() { _, _ = io.WriteString(typed, " ") }() }
	out.see["CONFIG_I\r\nsw-1>"] = func() { go func() { _, _ = io.WriteString(typed, "exit\r"); _ = typed.Close() }() }
	exit, err := c.(connectors.Attacher).Attach(t.Context(), &connectortest.Guard{}, connectors.Terminal{Term: "vt100", Size: connectors.Size{Width: 80, Height: 24},
		Stdio: connectors.Stdio{In: in, Out: out}})
	if err != nil || exit != (connectors.Exit{}) {
		t.Errorf("the shell ended with %+v, %v", exit, err)
	}
	const want = "\r\nsw-1>show log\r\n%LINK-3-UPDOWN: Gi0/1\r\nuser bob@example.com\r\n --More-- \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b%SYS-5-CONFIG_I\r\nsw-1>exit"
	if out.String() != want {
		t.Errorf("%q\nwant\n%q", out.String(), want)
	}
	for _, name := range seen {
		if name == "env" || name == "signal" || strings.Contains(name, "agent") {
			t.Errorf("it was sent %v", seen)
		}
	}
	g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
		if op.Facts.Class != policy.Unknown {
			t.Errorf("%q is judged as %s: its own words are not bash's", op.Text, op.Facts.Class)
		}
		return nil
	}}
	_, err = c.(connectors.Executor).Exec(t.Context(), g, "cat running-config", connectors.Stdio{Out: io.Discard, Err: io.Discard})
	var refused *connectors.TargetError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "refused to run the command") {
		t.Errorf("a command: %v", err)
	}
	if _, err := c.(connectors.Filer).File(t.Context(), g, connectors.FileCall{Do: connectors.ListDir, Path: "/"}); !errors.As(err, &refused) {
		t.Errorf("files: %v", err)
	}
}

// watched calls a function, once, when a text has been written.
type watched struct {
	mu  sync.Mutex
	b   strings.Builder
	see map[string]func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(b)
	for text, f := range w.see {
		if strings.HasSuffix(w.b.String(), text) {
			delete(w.see, text)
			f()
		}
	}
	return len(b), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// windows is OpenSSH for Windows: cmd.exe, which reads quotes in its own way, answers in
// a code page, and draws a terminal as ConPTY does.
func windows(t *testing.T, got *string) *fake {
	f := &fake{}
	f.config.ServerVersion = "SSH-2.0-OpenSSH_for_Windows_9.5"
	f.passwords()
	f.session = func(ch gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			var m struct{ Text string }
			switch r.Type {
			case "exec":
				_ = gossh.Unmarshal(r.Payload, &m)
				*got = m.Text
				_ = r.Reply(true, nil)
				_, _ = io.WriteString(ch, "Gr\x94\xe1e der Datei\r\n") // code page 850
				_, _ = ch.SendRequest("exit-status", false, gossh.Marshal(struct{ Code uint32 }{0xC0000005}))
				return
			case "shell":
				_ = r.Reply(true, nil)
				_, _ = io.WriteString(ch, "\x1b[?9001h\x1b[?1004h\x1b[?25l\x1b[2J\x1b[m\x1b[H\x1b]0;C:\\WINDOWS\\system32\\conhost.exe\a\x1b[?25h"+
					"Microsoft Windows\x1b[4;1HC:\\Users\\deploy>\x1b[5;1Hcard\x1b[C4111\x1b[C1111\x1b[1C1111\x1b[C1111\x1b[K\r\n")
				_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
				return
			}
			_ = r.Reply(r.Type == "pty-req", nil)
		}
	}
	f.start(t)
	return f
}

// A command reaches Windows as it was typed, and is not judged as bash would read it: what
// a quote holds together there, cmd.exe does not.
func TestWindows(t *testing.T) {
	var got string
	f := windows(t, &got)
	c := f.open(t, Options{})
	const command = `type 'a & del C:\b' ^& echo %PATH%`
	g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
		if op.Facts.Class != policy.Unknown || !op.Facts.Opaque {
			t.Errorf("%q is judged as %s", op.Text, op.Facts.Class)
		}
		return nil
	}}
	var out strings.Builder
	exit, err := c.(connectors.Executor).Exec(t.Context(), g, command, connectors.Stdio{Out: &out, Err: io.Discard})
	if err != nil || exit.Code != 0xC0000005 || got != command {
		t.Errorf("%+v, %v; it was told %q", exit, err, got)
	}
	if want := "Gr\x94\xe1e der Datei\r\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	shown := &watched{}
	if _, err := c.(connectors.Attacher).Attach(context.Background(), &connectortest.Guard{}, connectors.Terminal{Term: "xterm", Stdio: connectors.Stdio{In: none{}, Out: shown}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(shown.String(), "conhost.exe") || !strings.HasSuffix(shown.String(), "\x1b[K\r\n") {
		t.Errorf("%q", shown.String())
	}
}

// A command that is over without a word of how is an answer nobody can rely on: its
// outcome is unknown, and the connection goes on.
func TestNoStatus(t *testing.T) {
	f := &fake{}
	f.passwords()
	f.session = func(ch gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		_, _ = io.WriteString(ch, "done\r\n")
	}
	f.start(t)
	c, g := f.open(t, Options{}), &connectortest.Guard{}
	for range 2 {
		var out strings.Builder
		_, err := c.(connectors.Executor).Exec(t.Context(), g, "reload", connectors.Stdio{Out: &out, Err: io.Discard})
		var said *connectors.TargetError
		if !errors.As(err, &said) || errors.Is(err, connectors.ErrVanished) || out.String() != "done\r\n" {
			t.Errorf("%q, %v", out.String(), err)
		}
	}
	for _, p := range g.Permits() {
		if o := p.Outcomes(); len(o) != 1 || !o[0].Unknown {
			t.Errorf("outcomes: %+v", o)
		}
	}
}
