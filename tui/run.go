package tui

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// running is a statement from its submission to its first rows.
type running struct {
	text      string
	began     time.Time
	ctx       context.Context
	cancel    context.CancelFunc
	cancelled bool
	unmask    []string // columns to see in clear
}

type (
	ranMsg struct {
		run    *running
		stream *stream
		err    error
	}
	batchMsg struct {
		stream  *stream
		rows    [][]widget.Cell
		sum     connectors.Summary
		notices []string
		err     error
	}
	waitingMsg struct {
		run      *running
		approval policy.Approval
		ch       <-chan policy.Approval
	}
)

func (m ranMsg) discard() {
	if m.stream != nil {
		m.stream.close()
	}
}

// stream is an answer that is being read. Its lock keeps Close from meeting a
// Batch in another goroutine.
type stream struct {
	cancel context.CancelFunc
	ctx    context.Context
	mu     sync.Mutex
	a      Answer
	closed bool
}

// close ends the answer; what still reads it is cancelled first.
func (s *stream) close() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		_ = s.a.Close()
	}
}

func (s *stream) batch(n int) batchMsg {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return batchMsg{stream: s, err: io.EOF}
	}
	rows, err := s.a.Batch(s.ctx, n)
	m := batchMsg{stream: s, sum: s.a.Summary(), notices: s.a.Notices(), err: err}
	m.rows = make([][]widget.Cell, len(rows))
	for i, r := range rows {
		m.rows[i] = cells(r)
	}
	return m
}

func cells(r connectors.Row) []widget.Cell {
	out := make([]widget.Cell, len(r))
	for i, c := range r {
		out[i] = widget.Cell{Text: c.Text, Null: c.Null, Kind: cellKind(c.State)}
	}
	return out
}

// cellKind maps a cell's state; what is unknown counts as withheld.
func cellKind(s connectors.CellState) widget.CellKind {
	switch s {
	case connectors.Shown:
		return widget.CellShown
	case connectors.Masked:
		return widget.CellMasked
	case connectors.Detected:
		return widget.CellDetected
	}
	return widget.CellWithheld
}

// execute runs a text; the answer before it is closed first, for one operation
// runs at a time. With asked, its reason goes along.
func (p *workspace) execute(text string, asked *asking) tea.Cmd {
	return p.executeClear(text, asked, nil)
}

// executeClear is execute with masked columns to see in clear in the answer; those
// of asked are.
func (p *workspace) executeClear(text string, asked *asking, unmask []string) tea.Cmd {
	ctx, cancel := context.WithCancel(p.ctx)
	if asked != nil {
		unmask = asked.unmask
	}
	r := &running{text: text, began: p.now(), ctx: ctx, cancel: cancel, unmask: unmask}
	var old *stream
	if p.answer != nil {
		old = p.answer.stream
	}
	p.run, p.answer = r, nil
	p.focus = focusEditor
	var ask *Ask
	var listen tea.Cmd
	if len(unmask) > 0 {
		ask = &Ask{Unmask: unmask, Later: true}
	}
	if asked != nil {
		ch := make(chan policy.Approval, 16)
		ask = &Ask{Reason: asked.reason.Value(), Unmask: unmask, Waiting: func(a policy.Approval) {
			select {
			case ch <- a:
			default: // a newer state will follow; the waiting one is not worth blocking for
			}
		}}
		listen = p.listen(r, ch)
	}
	ws := p.ws
	run := p.doWith(ctx, func(ctx context.Context) tea.Msg {
		if old != nil {
			old.close()
		}
		a, err := ws.Run(ctx, text, ask)
		if err != nil {
			return ranMsg{run: r, err: err}
		}
		return ranMsg{run: r, stream: &stream{cancel: cancel, ctx: ctx, a: a}}
	})
	return tea.Batch(run, listen)
}

// listen waits for news of an approval.
func (p *workspace) listen(r *running, ch <-chan policy.Approval) tea.Cmd {
	return p.doWith(r.ctx, func(ctx context.Context) tea.Msg {
		select {
		case a := <-ch:
			return waitingMsg{r, a, ch}
		case <-ctx.Done():
			return nil
		}
	})
}

// updateRun handles what comes back from a statement.
func (p *workspace) updateRun(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case ranMsg:
		if m.run != p.run {
			return func() tea.Msg { m.discard(); return nil }
		}
		return p.ran(m)
	case waitingMsg:
		if m.run == p.run && p.ask != nil {
			p.ask.approval, p.ask.known = m.approval, true
			return p.listen(m.run, m.ch)
		}
	case batchMsg:
		if p.answer != nil && p.answer.stream == m.stream {
			return p.fetched(m)
		}
	}
	return nil
}

func (p *workspace) ran(m ranMsg) tea.Cmd {
	var needed *policy.ApprovalNeeded
	if p.ask == nil && errors.As(m.err, &needed) {
		p.run.cancel()
		p.run = nil
		p.ask = &asking{text: m.run.text, needed: needed, unmask: m.run.unmask}
		return nil
	}
	p.ask = nil
	p.answer = &answer{text: m.run.text, stream: m.stream}
	if m.err != nil {
		return p.finish(m.err)
	}
	for _, c := range m.stream.a.Columns() {
		p.answer.grid.Columns = append(p.answer.grid.Columns, widget.GridColumn{Name: c.Name, Type: c.Type, Numeric: c.Numeric})
		p.answer.columns = append(p.answer.columns, c)
	}
	p.answer.want = firstRows
	return p.fetch()
}

// finish ends the running statement with an error, or nil, and closes its answer.
func (p *workspace) finish(err error) tea.Cmd {
	a := p.answer
	a.done, a.fetching, a.toEnd = true, false, false
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
		var te *connectors.TargetError
		if errors.As(err, &te) && te.Position > 0 && p.spent {
			p.editor.MoveTo(te.Position - 1)
		}
	}
	p.settle()
	if a.stream == nil {
		return nil
	}
	return closing(a.stream)
}

// closing closes an answer.
func closing(s *stream) tea.Cmd {
	return func() tea.Msg {
		s.close()
		return nil
	}
}

// settle takes the time of the running statement and lets it go.
func (p *workspace) settle() {
	if p.run != nil {
		p.answer.took = p.now().Sub(p.run.began)
		p.answer.cancelled = p.run.cancelled
		p.run = nil
	}
}

const (
	firstRows = 1000 // fetched before anybody scrolls
	aheadRows = 300  // kept fetched below the window
	batchRows = 1000
)

// fetch asks for the next rows, one batch at a time.
func (p *workspace) fetch() tea.Cmd {
	a := p.answer
	if a == nil || a.done || a.fetching || a.stream == nil {
		return nil
	}
	if !a.toEnd && a.grid.Len() >= a.want {
		return nil
	}
	a.fetching = true
	s := a.stream
	return p.do(func(context.Context) tea.Msg { return s.batch(batchRows) })
}

func (p *workspace) fetched(m batchMsg) tea.Cmd {
	a := p.answer
	a.fetching = false
	a.sum = m.sum
	a.notice(m.notices)
	for _, r := range m.rows {
		a.grid.Add(r)
	}
	if a.toEnd {
		a.grid.Move(a.grid.Len(), 0)
	}
	if m.err != nil {
		return p.finish(m.err)
	}
	p.settle()
	return p.fetch()
}

// busyRunning reports whether ctrl+c has something to cancel.
func (p *workspace) busyRunning() bool {
	return p.run != nil || p.answer != nil && (p.answer.fetching || p.answer.toEnd)
}

// cancelRun cancels the statement at the target.
func (p *workspace) cancelRun() tea.Cmd {
	if p.run != nil {
		p.run.cancelled = true
		p.run.cancel()
		return nil
	}
	p.answer.toEnd = false
	p.answer.cancelled = true
	p.answer.stream.cancel()
	return nil
}
