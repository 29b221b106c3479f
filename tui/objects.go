package tui

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// objects is a list of a cluster's objects of one type, in one namespace or all.
// The first one shows the namespaces and owns the session.
type objects struct {
	*env
	*scope
	cl      Cluster
	listing Listing
	kind    string
	ns      string // "" is all
	of      string // name whose events these are
	first   bool

	table   objectTable
	items   []widget.Item
	shown   []int
	list    widget.List
	filter  widget.Input
	live    bool
	loaded  bool
	loading bool
	err     error
	at      time.Time // of what is shown
	since   time.Time // what is loading
	try     int
	cancel  context.CancelFunc
	prompt  *prompt
}

func newObjects(e *env, cl Cluster, l Listing, kind, ns string) *objects {
	return &objects{env: e, scope: newScope(e.root), cl: cl, listing: l, kind: kind, ns: ns}
}

func (p *objects) crumb() string {
	switch {
	case p.first:
		return p.listing.Name
	case p.of != "":
		return "events of " + p.of
	case p.ns != "":
		return p.kind + " in " + p.ns
	}
	return p.kind
}

func (p *objects) note(w int) string { return p.recorded(p.listing.Resource, p.cl.ID(), false, w) }

func (p *objects) typing() bool { return p.live || p.prompt != nil }
func (p *objects) busy() string { return "" }

// refreshEvery is how old a list of pods grows.
const refreshEvery = 5 * time.Second

func (p *objects) beat() time.Duration {
	switch {
	case p.loading:
		return 125 * time.Millisecond
	case p.loaded && p.err == nil && p.kind == "pods":
		return time.Second
	}
	return 0
}

type (
	// objectsMsg is a list, or why there is none.
	objectsMsg struct {
		try   int
		table objectTable
		items []widget.Item
		err   error
	}
	// containersMsg is a pod's containers, for what they were asked for.
	containersMsg struct {
		names []string
		row   objectRow
		then  string
		err   error
	}
	// clusterEndedMsg says that the session was ended from behind.
	clusterEndedMsg struct{ err error }
)

func (p *objects) start() tea.Cmd {
	if !p.first {
		return p.load(nil)
	}
	cl := p.cl
	return tea.Batch(p.load(nil), p.do(func(ctx context.Context) tea.Msg {
		select {
		case <-cl.Ended():
			return clusterEndedMsg{cl.Err()}
		case <-ctx.Done():
			return nil
		}
	}))
}

// leave ends what is loading, and with the first page the session.
func (p *objects) leave() tea.Cmd {
	p.scope.leave()
	if !p.first {
		return nil
	}
	cl, set := p.cl, p.env.open
	return func() tea.Msg {
		if err := set.end(cl); err != nil {
			return toastMsg{text: "the session did not end well: " + err.Error(), bad: true}
		}
		return nil
	}
}

// line asks for the list.
func (p *objects) line() []string {
	line := []string{"get", p.kind, "-o", "table"}
	if p.ns != "" {
		line = append(line, "-n", p.ns)
	} else if !p.first {
		line = append(line, "-A")
	}
	if p.of != "" {
		line = append(line, "--field-selector", "involvedObject.name="+p.of)
	}
	return line
}

// load asks for the list anew; with ask, by an approval.
func (p *objects) load(ask *Ask) tea.Cmd {
	if p.cancel != nil {
		p.cancel()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	p.loading, p.since, p.cancel = true, p.now(), cancel
	p.try++
	cl, line, try := p.cl, p.line(), p.try
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		defer cancel()
		var out capped
		if err := cl.Do(ctx, line, ask, &out); err != nil {
			return objectsMsg{try: try, err: err}
		}
		t, err := readObjects(out.b.Bytes())
		return objectsMsg{try, t, itemsOfObjects(t), err}
	})
}

// capped holds an answer that is not too long.
type capped struct{ b bytes.Buffer }

const maxObjects = 32 << 20

var errTooMany = errors.New("there is too much of it to list here: narrow it with the kube verb, -l and -n")

func (c *capped) Write(b []byte) (int, error) {
	if c.b.Len()+len(b) > maxObjects {
		return 0, errTooMany
	}
	return c.b.Write(b)
}

func (p *objects) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case objectsMsg:
		return p.take(m)
	case containersMsg:
		return p.contained(m)
	case clusterEndedMsg:
		why := "the session on " + p.listing.Name + " has ended"
		if m.err != nil {
			why += ": " + m.err.Error()
		}
		return tea.Batch(alarm(why), say(backMsg{p.scope}))
	case beatMsg:
		if p.kind == "pods" && !p.loading && p.err == nil && p.prompt == nil && p.now().Sub(p.at) >= refreshEvery {
			return p.load(nil)
		}
	case tea.PasteMsg:
		if p.prompt != nil {
			p.prompt.words.Insert(m.Content)
			return nil
		}
		p.live = true
		p.filter.Insert(m.Content)
		p.refilter()
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

func (p *objects) take(m objectsMsg) tea.Cmd {
	if m.try != p.try {
		return nil
	}
	p.loading, p.loaded, p.at = false, true, p.now()
	var needed *policy.ApprovalNeeded
	if errors.As(m.err, &needed) {
		p.err = m.err
		p.prompt = &prompt{label: "reason, for " + strings.Join(needed.Decision.Approvers, " or "), then: func(why string) tea.Cmd { return p.load(&Ask{Reason: why}) }}
		return nil
	}
	if p.err = m.err; m.err != nil {
		return nil
	}
	name, ns := "", ""
	if r := p.current(); r != nil {
		name, ns = r.name, r.namespace
	}
	p.table, p.items = m.table, m.items
	p.refilter()
	for i, j := range p.shown {
		if p.table.rows[j].name == name && p.table.rows[j].namespace == ns {
			p.list.Go(i)
		}
	}
	return nil
}

func (p *objects) refilter() {
	f := widget.ParseFilter(p.filter.Value())
	p.shown = p.shown[:0]
	for i := range p.items {
		if f.Match(&p.items[i]) {
			p.shown = append(p.shown, i)
		}
	}
	p.list.SetLen(len(p.shown))
}

// current is the selected object, nil for none.
func (p *objects) current() *objectRow {
	if i := p.list.Cursor(); i < len(p.shown) {
		return &p.table.rows[p.shown[i]]
	}
	return nil
}

func (p *objects) key(k tea.KeyPressMsg) tea.Cmd {
	if pr := p.prompt; pr != nil {
		over, cmd := pr.key(k)
		if over && p.prompt == pr {
			p.prompt = nil
		}
		return cmd
	}
	switch s := k.String(); {
	case p.loading && pressed(k, keys.Stop):
		p.cancel()
		return nil
	case pressed(k, keys.Back), p.live && pressed(k, keys.Stop):
		return p.back()
	case pressed(k, keys.Enter):
		return p.enter()
	case pressed(k, keys.Refresh):
		return p.load(nil)
	case p.live && s == "backspace" && p.filter.Value() == "":
		p.live = false
		return nil
	case p.list.Key(s, !p.live):
		return nil
	case !p.live:
		if cmd, ok := p.command(k); ok {
			return cmd
		}
	}
	if p.live && p.filter.Key(k) {
		p.refilter()
		p.list.Go(0)
	}
	return nil
}

// command is a key that is no text.
func (p *objects) command(k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch {
	case pressed(k, keys.Filter):
		p.live = true
	case pressed(k, keys.Types):
		p.prompt = &prompt{label: "show (pods, deploy, svc, nodes ...; -n NAMESPACE, -A)", then: p.other}
	case pressed(k, keys.Quit):
		return p.back(), true
	case pressed(k, keys.Describe):
		return p.describe(), true
	case pressed(k, keys.Logs):
		return p.inPod("logs"), true
	case pressed(k, keys.Shell):
		return p.inPod("exec"), true
	case pressed(k, keys.Events):
		return p.eventsOf(), true
	default:
		return nil, false
	}
	return nil, true
}

// back leaves the filter first, then the page.
func (p *objects) back() tea.Cmd {
	if p.live || p.filter.Value() != "" {
		p.live = false
		p.filter.Set("")
		p.refilter()
		return nil
	}
	return say(backMsg{p.scope})
}

// enter goes on to what is in the object.
func (p *objects) enter() tea.Cmd {
	r := p.current()
	switch {
	case r == nil:
		return nil
	case slices.Contains([]string{"namespaces", "namespace", "ns"}, p.kind):
		return say(pushMsg{newObjects(p.env, p.cl, p.listing, "pods", r.name)})
	case p.pods():
		return p.inPod("logs")
	}
	return p.describe()
}

func (p *objects) pods() bool { return slices.Contains([]string{"pods", "pod", "po"}, p.kind) }

func (p *objects) keys() []key.Binding {
	switch {
	case p.prompt != nil:
		return []key.Binding{keys.Go, keys.Back}
	case p.live:
		return []key.Binding{keys.Enter, bind("esc", "clear filter", "esc"), bind("↑/↓", "move", "up", "down")}
	}
	open, logs, shell, describe, events := bind("enter", "describe", "enter"), keys.Logs, keys.Shell, keys.Describe, keys.Events
	switch r := p.current(); {
	case r == nil:
		open.SetEnabled(false)
		describe.SetEnabled(false)
	case p.first:
		open = bind("enter", "pods", "enter")
	case p.pods():
		open = bind("enter", "logs", "enter")
	}
	if r := p.current(); r == nil || r.namespace == "" {
		events.SetEnabled(false)
	}
	logs.SetEnabled(p.pods() && p.current() != nil)
	shell.SetEnabled(p.pods() && p.current() != nil)
	return []key.Binding{open, shell, describe, events, keys.Types, keys.Filter, keys.Back, keys.Refresh, keys.Move, keys.Ends, logs}
}

func (p *objects) explain() []string {
	return []string{
		"The filter knows the columns: status:Running restarts:3 node:n1. !word leaves out.",
		": shows other types, as kubectl names them: deploy, svc, nodes, cm -n kube-system, events -A.",
		"Every list, log and shell is asked of the gate and recorded. Values of Secrets never show.",
	}
}
