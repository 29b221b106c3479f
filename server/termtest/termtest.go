// Package termtest answers: what would a person see?
//
// It runs a program, mostly the stock OpenSSH client, on a real pseudo-terminal
// whose output feeds a terminal emulator, and lets a test type keys and wait for
// what appears. Nothing sleeps: waiting is woken by output.
package termtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long a test waits for something to appear before it fails; it
// is no measure of speed.
const patience = 90 * time.Second

// Screen is a program on a terminal. Its methods are for one goroutine.
type Screen struct {
	t    testing.TB
	cmd  *exec.Cmd
	tty  *os.File
	wake chan struct{}
	done chan struct{} // closed when the program's output has ended

	mu  sync.Mutex // guards what follows
	emu *vt.Emulator
	raw []byte
	w,
	h int
}

// Start runs cmd on a terminal of the given size; one that says it has none (0x0)
// is looked at as 80x24. The program is killed when the test ends.
func Start(t testing.TB, cmd *exec.Cmd, width, height int) *Screen {
	t.Helper()
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)})
	if err != nil {
		t.Fatalf("start %s on a terminal: %v", cmd.Path, err)
	}
	if width == 0 || height == 0 {
		width, height = 80, 24
	}
	s := &Screen{t: t, cmd: cmd, tty: tty, wake: make(chan struct{}, 1), done: make(chan struct{}),
		emu: vt.NewEmulator(width, height), w: width, h: height}
	s.emu.SetScrollbackSize(1)
	// The emulator answers queries as a terminal would; unread answers would block it.
	go func() { _, _ = io.Copy(tty, s.emu) }()
	go s.read()
	t.Cleanup(s.kill)
	return s
}

func (s *Screen) read() {
	defer close(s.done)
	b := make([]byte, 32<<10)
	for {
		n, err := s.tty.Read(b)
		s.mu.Lock()
		_, _ = s.emu.Write(b[:n]) // never fails
		s.raw = append(s.raw, b[:n]...)
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (s *Screen) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.tty.Close()
	_ = s.cmd.Wait() // Exit may have waited
	<-s.done
}

// Type sends text as it is.
func (s *Screen) Type(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, text); err != nil {
		s.t.Fatalf("type %q: %v", text, err)
	}
}

var keys = map[string]string{
	"enter": "\r", "f1": "\x1bOP", "esc": "\x1b", "tab": "\t", "backspace": "\x7f", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F", "ctrl+c": "\x03", "ctrl+d": "\x04", "ctrl+j": "\n", "ctrl+r": "\x12", "ctrl+]": "\x1d",
}

// Press sends named keys, or single characters.
func (s *Screen) Press(names ...string) {
	s.t.Helper()
	for _, n := range names {
		k, ok := keys[n]
		if !ok {
			k = n
		}
		s.Type(k)
	}
}

// Resize changes the terminal's size.
func (s *Screen) Resize(width, height int) {
	s.t.Helper()
	s.mu.Lock()
	s.w, s.h = width, height
	s.emu.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		s.t.Fatalf("resize: %v", err)
	}
}

// Text is the screen now, a line a row, without trailing blanks.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for y := range s.h {
		var line strings.Builder
		for x := 0; x < s.w; {
			c := s.emu.CellAt(x, y)
			if c == nil || c.Content == "" {
				line.WriteByte(' ')
				x++
				continue
			}
			line.WriteString(c.Content)
			x += max(1, c.Width)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// Styled is the screen now, each change of colours and attributes among the text.
func (s *Screen) Styled() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for y := range s.h {
		var style uv.Style
		for x := range s.w {
			c := s.emu.CellAt(x, y)
			if c == nil {
				c = &uv.EmptyCell
			}
			if !c.Style.Equal(&style) {
				style = c.Style
				fmt.Fprintf(&b, "<%s>", strings.Trim(style.String(), "\x1b[m"))
			}
			if c.Content == "" && c.Width == 0 {
				continue // the rest of a wide one
			}
			b.WriteString(cmp.Or(c.Content, " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Raw is every byte that came so far.
func (s *Screen) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.raw)
}

// WaitFor returns the screen once ok says yes, and fails the test when it does
// not in a long while or the program ends before.
func (s *Screen) WaitFor(what string, ok func(screen string) bool) string {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		text := s.Text()
		if ok(text) {
			return text
		}
		select {
		case <-s.wake:
		case <-s.done:
			if text = s.Text(); ok(text) {
				return text
			}
			s.t.Fatalf("the program ended before %s; the screen:\n%s", what, frame(text))
		case <-limit.C:
			s.t.Fatalf("no %s; the screen:\n%s", what, frame(text))
		}
	}
}

// See waits for a text to be on the screen.
func (s *Screen) See(text string) string {
	s.t.Helper()
	return s.WaitFor("\""+text+"\"", func(screen string) bool { return strings.Contains(screen, text) })
}

// Gone waits for a text to be off the screen.
func (s *Screen) Gone(text string) string {
	s.t.Helper()
	return s.WaitFor("end of \""+text+"\"", func(screen string) bool { return !strings.Contains(screen, text) })
}

// Exit waits for the program to end and returns its exit code.
func (s *Screen) Exit() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("the program does not end; the screen:\n%s", frame(s.Text()))
	}
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("wait for %s: %v", s.cmd.Path, err)
	}
	return s.cmd.ProcessState.ExitCode()
}

// Kill ends the program as a crash would.
func (s *Screen) Kill() { _ = s.cmd.Process.Kill() } // it may have ended

func frame(text string) string {
	return "+----\n|" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n|") + "\n+----"
}
