package tuitest

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/tui"
)

// Run calls f inside a bubble in which time stands still, where Drive works.
func Run(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// Driver runs one App. It belongs to the test's goroutine.
type Driver struct {
	App  *tui.App
	t    *testing.T
	msgs chan tea.Msg
	// Quit is set when the program ended.
	Quit bool
	// Raw is what was sent to the terminal past the frames: bells and the like.
	Raw []string
	// Clipboard is the last text copied.
	Clipboard string
}

// Drive starts an App as a program would. It must be called inside Run; the App
// is closed with the test.
func Drive(t *testing.T, o tui.Options) *Driver {
	t.Helper()
	d := &Driver{App: tui.New(o), t: t}
	t.Cleanup(func() {
		d.App.Close()
		time.Sleep(time.Minute) // the bubble's: tickers that still run come to their end
	})
	d.Start()
	return d
}

// Start runs the App in a new program, as the server does after an attach.
func (d *Driver) Start() {
	d.t.Helper()
	d.Quit = false
	d.msgs = make(chan tea.Msg, 1024)
	d.run(d.App.Init())
	d.settle()
}

// Keys presses keys one by one, settling after each. A key is a name ("enter",
// "ctrl+c", "f1") or text, which is typed character by character.
func (d *Driver) Keys(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		for _, m := range presses(k) {
			d.Send(m)
		}
	}
}

// Send hands one message to the App and settles.
func (d *Driver) Send(m tea.Msg) {
	d.t.Helper()
	d.update(m)
	d.settle()
}

// Paste pastes text.
func (d *Driver) Paste(s string) { d.t.Helper(); d.Send(tea.PasteMsg{Content: s}) }

// Resize changes the window.
func (d *Driver) Resize(w, h int) { d.t.Helper(); d.Send(tea.WindowSizeMsg{Width: w, Height: h}) }

// Advance lets time pass.
func (d *Driver) Advance(by time.Duration) {
	d.t.Helper()
	const step = 50 * time.Millisecond
	for ; by > 0; by -= step {
		time.Sleep(min(step, by)) // the bubble's time
		d.settle()
	}
}

// Styled is the current frame as it is drawn.
func (d *Driver) Styled() string { return d.App.View().Content }

// Frame is the current frame's text.
func (d *Driver) Frame() string {
	lines := strings.Split(ansi.Strip(d.Styled()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// See fails the test where the frame does not hold the text.
func (d *Driver) See(texts ...string) {
	d.t.Helper()
	f := d.Frame()
	for _, s := range texts {
		if !strings.Contains(f, s) {
			d.t.Fatalf("%q is not on the screen:\n%s", s, f)
		}
	}
}

// Miss fails the test where the frame holds the text.
func (d *Driver) Miss(texts ...string) {
	d.t.Helper()
	f := d.Frame()
	for _, s := range texts {
		if strings.Contains(f, s) {
			d.t.Fatalf("%q is on the screen:\n%s", s, f)
		}
	}
}

// Settle handles what other people caused.
func (d *Driver) Settle() { d.t.Helper(); d.settle() }

// settle handles messages until nothing moves.
func (d *Driver) settle() {
	d.t.Helper()
	for range 100000 {
		synctest.Wait()
		select {
		case m := <-d.msgs:
			d.update(m)
		default:
			return
		}
	}
	d.t.Fatalf("the app never comes to rest:\n%s", d.Frame())
}

func (d *Driver) update(m tea.Msg) {
	if d.Quit {
		return
	}
	switch m := m.(type) {
	case tea.QuitMsg:
		d.Quit = true
		return
	case tea.BatchMsg:
		for _, c := range m {
			d.run(c)
		}
		return
	case tea.RawMsg:
		if s, ok := m.Msg.(string); ok {
			d.Raw = append(d.Raw, s)
		}
		return
	}
	if v := reflect.ValueOf(m); v.IsValid() && v.Kind() == reflect.String && v.Type().Name() == "setClipboardMsg" {
		d.Clipboard = v.String()
		return
	}
	_, cmd := d.App.Update(m)
	d.run(cmd)
}

// run runs a command in a goroutine, as a program does.
func (d *Driver) run(c tea.Cmd) {
	if c == nil {
		return
	}
	msgs := d.msgs
	go func() {
		if m := c(); m != nil {
			msgs <- m
		}
	}()
}

var named = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "f1": tea.KeyF1, "f2": tea.KeyF2, "f5": tea.KeyF5,
}

// presses turns a key's name, or a text, into key presses.
func presses(k string) []tea.Msg {
	if k == "shift+tab" {
		return []tea.Msg{tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}}
	}
	if c, ok := named[k]; ok {
		return []tea.Msg{tea.KeyPressMsg{Code: c}}
	}
	if k == "space" {
		return []tea.Msg{tea.KeyPressMsg{Code: ' ', Text: " "}}
	}
	for prefix, mod := range map[string]tea.KeyMod{"ctrl+": tea.ModCtrl, "alt+": tea.ModAlt} {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
			return []tea.Msg{tea.KeyPressMsg{Code: []rune(rest)[0], Mod: mod}}
		}
	}
	var out []tea.Msg
	for _, r := range k {
		out = append(out, tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	return out
}
