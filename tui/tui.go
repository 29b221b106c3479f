// Package tui answers: what does the person see?
//
// App is the one Bubble Tea model. It owns the window, the tabs, each with a
// stack of pages, and what lies above them: a question, the help, a toast. A page
// is a plain struct in a file of its own. Nothing here does I/O in Update: calls
// to the Door and the Backend are commands under the context of the page that
// made them, which ends when the page is left.
//
// Wording: sentences are short and say what happened, then what to do. No
// capitals in the middle, no exclamation marks, no period after a lone phrase. A
// rule, a person and a resource are named as they are called in the
// configuration. Errors are shown in place, with the hint below.
//
// Keys: all are in keys.go; the footer shows those of the page, ? all of them.
// In the picker and the lists, letters that are no command start the filter. In
// an editor every printable key is text, so tabs are switched there with alt+1 to
// alt+3. The palette finds a page's keys by their words: it is : where that is not
// text or the page's own, and alt+: everywhere.
//
// Kinds: one workspace serves every kind that answers statements. How its texts look
// and where enter runs them is the kind's entry in language.go.
//
// Waiting: what may take a second says what it waits for, and from then on for how
// long (pending), and esc or ctrl+c gives it up.
//
// Looks: glyphs are single cells of the Basic Multilingual Plane, ASCII on
// terminals that cannot do better. Colour never carries meaning alone. All text
// from outside passes widget.Escape or its kin, and recordings are drawn from an
// emulator's cells.
package tui

import (
	"context"
	"log/slog"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/sallyport/sallyport/policy"
)

// Options of an App.
type Options struct {
	// Door leads to a Backend; used where Backend is nil.
	Door    Door
	Backend Backend
	// Site is the bastion's name in the header.
	Site string
	// Reach is what people type behind ssh to come here; links are made of it.
	Reach string
	// Width and Height are the terminal's at the start.
	Width, Height int
	Term          string // TERM
	NoColor       bool
	Now           func() time.Time // nil: time.Now
	Log           *slog.Logger
	// Notice is shown once at the start (for example: how to make an SSH key).
	Notice string
}

// Next is what the server does after a program has ended.
type Next struct {
	// Attach is the resource whose shell takes over the terminal; "" means goodbye.
	Attach string
	// Line is what is run there instead of a shell, in the words of the kind.
	Line []string
	// SignOut asks to forget the SSH key of this connection.
	SignOut bool
}

// New returns the face of one connection. The caller runs it in a tea.Program,
// once or several times one after the other, and closes it in the end.
func New(o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	root, stop := context.WithCancel(context.Background())
	a := &App{stop: stop, dark: true, profile: colorprofile.TrueColor, stacks: make([][]page, len(tabNames))}
	a.env = &env{o: o, root: root, open: &openSet{all: map[opened]bool{}, log: o.Log}, desk: &desk{}}
	a.self = newScope(root)
	a.resize(o.Width, o.Height)
	a.restyle()
	if o.Backend != nil {
		a.enter(o.Backend)
	} else {
		a.stacks[0] = []page{newSignIn(a.env)}
	}
	return a
}

// Next tells why the program ended. Like the methods below it may be called while
// no program runs.
func (a *App) Next() Next { return a.next }

// Backend returns the signed-in person's backend, nil before sign-in.
func (a *App) Backend() Backend { return a.be }

// Identity is the signed-in person, zero before.
func (a *App) Identity() policy.Identity { return a.me }

// Attached tells the app how an attached session ended, before it is run again:
// what is shown as a toast (text) or as an error with a hint.
func (a *App) Attached(text string, err error) {
	for _, stack := range a.stacks {
		for _, pg := range stack {
			if p, ok := pg.(*picker); ok {
				p.failed.name, p.failed.err = a.next.Attach, err
			}
		}
	}
	if err != nil {
		a.toast = &toastMsg{text: errorText(err), bad: true}
		return
	}
	if text != "" {
		a.toast = &toastMsg{text: text}
	}
}

// Close ends everything that the pages hold: commands are cancelled and open
// workspaces closed. It may be called more than once, after the last program.
func (a *App) Close() {
	a.stop()
	a.open.close()
}

var _ tea.Model = (*App)(nil)
