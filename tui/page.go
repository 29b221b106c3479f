package tui

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// page is one screen: a plain struct that App drives. Pages never know each
// other: they talk by the messages below.
type page interface {
	// start loads what the page shows; it is called when the page is first shown
	// and again when a new program took over.
	start() tea.Cmd
	// update handles keys and pastes while the page is on top, and at any time the
	// results of its own commands.
	update(msg tea.Msg) tea.Cmd
	// view draws exactly h lines of w cells.
	view(w, h int) []string
	// crumb names the page in the bread crumbs.
	crumb() string
	// keys are the bindings that work now, most important first.
	keys() []key.Binding
	// typing reports whether printable keys are text here, not commands.
	typing() bool
	// beat is how often the page wants to be redrawn, 0 for not at all.
	beat() time.Duration
	// busy says what would be lost if the page were left, "" for nothing.
	busy() string
	// leave ends what the page holds.
	leave() tea.Cmd
	in() *scope
}

// scope is the lifetime of a page: its commands run under ctx, and their results
// find the way back by it. A context lives here, against custom, because commands
// outlive the call that made them.
type scope struct {
	ctx  context.Context
	stop context.CancelCauseFunc
}

var errLeft = errors.New("the page was left")

func newScope(parent context.Context) *scope {
	ctx, stop := context.WithCancelCause(parent)
	return &scope{ctx, stop}
}

func (s *scope) in() *scope { return s }

func (s *scope) leave() tea.Cmd {
	s.stop(errLeft)
	return nil
}

// do makes a command whose result comes back to the scope's page.
func (s *scope) do(f func(ctx context.Context) tea.Msg) tea.Cmd {
	return s.doWith(s.ctx, f)
}

// doWith is do under a context of the caller's, derived from the scope's.
func (s *scope) doWith(ctx context.Context, f func(ctx context.Context) tea.Msg) tea.Cmd {
	return func() tea.Msg { return delivery{s, f(ctx)} }
}

// after delivers msg later.
func (s *scope) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return s.do(func(ctx context.Context) tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return msg
		case <-ctx.Done():
			return nil
		}
	})
}

// delivery is a command's result on its way to its page.
type delivery struct {
	to  *scope
	msg tea.Msg
}

// discarder is a result that holds something that must be closed if the page it
// was meant for is gone.
type discarder interface{ discard() }

// What pages say to App.
type (
	pushMsg   struct{ page page }   // open a page above this one
	backMsg   struct{ from *scope } // leave this page
	attachMsg struct {
		resource string
		line     []string // instead of a shell
	}
	enteredMsg struct{ backend Backend }
	quitMsg    struct{}
	beatMsg    struct{ n int }
)

// toastMsg is a line that shows for a while.
type toastMsg struct {
	text string
	good bool
	bad  bool
}

// confirmMsg asks a question; then runs on yes.
type confirmMsg struct {
	title string
	lines []string
	then  tea.Cmd
}

// say makes a command of a message.
func say(m tea.Msg) tea.Cmd { return func() tea.Msg { return m } }

// inTurn runs the second command when the first is over: what a page shows again
// tells how the one above it ended.
func inTurn(first, second tea.Cmd) tea.Cmd {
	if first == nil || second == nil {
		return tea.Batch(first, second)
	}
	return func() tea.Msg {
		return tea.BatchMsg{say(first()), second}
	}
}

func toast(text string) tea.Cmd { return say(toastMsg{text: text}) }
func alarm(text string) tea.Cmd { return say(toastMsg{text: text, bad: true}) }

// env is what all pages share. Only the program's goroutine touches it, but for
// open.
type env struct {
	*theme
	o     Options
	root  context.Context
	be    Backend
	me    policy.Identity
	desk  *desk
	spin  int
	small bool // below 60x18
	open  *openSet
}

func (e *env) now() time.Time { return e.o.Now() }

// spinner is the current frame of the waiting sign.
func (e *env) spinner() string {
	return e.accent.Render(e.glyphs.spin[e.spin%len(e.glyphs.spin)])
}

// pending is what is waited for, with how long where it is a second or more.
func (e *env) pending(what string, began time.Time) string {
	s := e.spinner() + " " + what
	if d := e.now().Sub(began); d >= time.Second {
		s += "  " + clock(d)
	}
	return s
}

// pendingBeat is how often what is waited for is drawn anew.
const pendingBeat = 125 * time.Millisecond

// opened is a session that a page holds.
type opened interface {
	ID() recorder.ID
	Close() error
}

// openSet is the sessions that are open, to be closed with the App whatever
// became of their pages. It is safe for concurrent use.
type openSet struct {
	mu     sync.Mutex
	all    map[opened]bool
	closed bool
	log    *slog.Logger
}

// add notes a session. It returns false, and closes it, after close.
func (s *openSet) add(w opened) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = w.Close()
		return false
	}
	s.all[w] = true
	return true
}

// end closes one.
func (s *openSet) end(w opened) error {
	s.mu.Lock()
	delete(s.all, w)
	s.mu.Unlock()
	return w.Close()
}

func (s *openSet) close() {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all = nil
	s.mu.Unlock()
	for w := range all {
		if err := w.Close(); err != nil {
			s.log.Warn("close workspace", "transcript", string(w.ID()), "error", err)
		}
	}
}

// errorText is an error for the screen.
func errorText(err error) string { return widget.EscapeLines(err.Error()) }
