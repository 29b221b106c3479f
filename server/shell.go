package server

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/sallyport/sallyport/tui"
)

// screens runs the face until the person leaves. A shell takes the terminal over
// in between.
func (a *access) screens() int {
	go a.watchIdle()
	app := tui.New(tui.Options{
		Door: &door{a}, Backend: a.backend(), Site: a.s.o.Name, Reach: a.s.o.Reach, Width: a.size.Width, Height: a.size.Height,
		Term: a.term, NoColor: a.noColor(), Now: a.s.o.Now, Log: a.s.o.Log, Notice: a.notice(),
	})
	defer app.Close()
	for {
		if err := a.program(app); err != nil {
			return a.over(err)
		}
		next := app.Next()
		if next.SignOut {
			if err := a.c.forget(a.ctx); err != nil {
				return a.over(err)
			}
			fmt.Fprintln(a.sess, "signed out; this key is forgotten")
			return exitOK
		}
		if next.Attach == "" {
			return exitOK
		}
		text, err := a.attach(next.Attach, next.Line)
		if a.ctx.Err() != nil {
			return a.over(context.Cause(a.ctx))
		}
		app.Attached(text, err)
	}
}

// notice tells an administrator what is wrong with the bastion, and a person
// without a key how to get one.
func (a *access) notice() string {
	if v := a.visitor(); v != nil && v.Notice() != "" {
		return v.Notice()
	}
	if a.c.fingerprint() != "" {
		return ""
	}
	return "You came without an SSH key, so this sign-in is for this connection only. `ssh-keygen -t ed25519` makes one."
}

// over says why the screens ended.
func (a *access) over(err error) int {
	if errors.Is(err, errDisconnected) {
		return exitBastion
	}
	fmt.Fprintln(a.sess, "sallyport: the session ended: "+err.Error())
	return exitBastion
}

// program runs one tea program on the terminal. Its error is why the access
// ended; leaving by the person's own wish is no error.
func (a *access) program(app *tui.App) error {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	p := tea.NewProgram(app,
		tea.WithContext(ctx),
		tea.WithInput(a.in.Lease()),
		tea.WithOutput(a.sess), // which maps newlines, as the renderer needs
		tea.WithEnvironment(a.env()),
		tea.WithColorProfile(colorprofile.Env(a.env())), // a channel is no file to ask
		tea.WithWindowSize(a.size.Width, a.size.Height),
		tea.WithoutSignalHandler(),
		tea.WithFilter(noSuspend),
	)
	resized := make(chan struct{})
	go func() {
		defer close(resized)
		for {
			select {
			case <-ctx.Done():
				return
			case w := <-a.ch.resize:
				if w.Width == 0 || w.Height == 0 {
					continue
				}
				a.size = w
				p.Send(tea.WindowSizeMsg{Width: w.Width, Height: w.Height})
			}
		}
	}()
	_, err := p.Run()
	cancel()
	<-resized
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if err != nil {
		return fmt.Errorf("run screens: %w", err)
	}
	return nil
}

// noSuspend: ctrl-z has nowhere to go.
func noSuspend(_ tea.Model, msg tea.Msg) tea.Msg {
	if _, ok := msg.(tea.SuspendMsg); ok {
		return tea.ResumeMsg{}
	}
	return msg
}
