package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// objectTable is the server's own table, read.
type objectTable struct {
	columns []string
	minor   []bool // only where there is room
	rows    []objectRow
}

type objectRow struct {
	name, namespace string
	cells           []string
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
		return p.ns + " " + p.kind
	}
	return p.kind
}

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

// readObjects reads the pages of a table.
func readObjects(b []byte) (t objectTable, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		var page struct {
			ColumnDefinitions []struct {
				Name     string
				Priority int
			}
			Rows []struct {
				Cells  []any
				Object struct {
					Metadata struct{ Name, Namespace string }
				}
			}
		}
		err := d.Decode(&page)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, errors.New("the cluster's answer is no table")
		}
		if t.columns == nil {
			for _, c := range page.ColumnDefinitions {
				t.columns, t.minor = append(t.columns, c.Name), append(t.minor, c.Priority > 0)
			}
		}
		for _, r := range page.Rows {
			row := objectRow{name: r.Object.Metadata.Name, namespace: r.Object.Metadata.Namespace}
			for _, c := range r.Cells {
				row.cells = append(row.cells, cellWords(c))
			}
			t.rows = append(t.rows, row)
		}
	}
}

func cellWords(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprint(v)
}

func itemsOfObjects(t objectTable) []widget.Item {
	items := make([]widget.Item, len(t.rows))
	for i, r := range t.rows {
		fields := map[string]string{"ns": r.namespace}
		for j, c := range r.cells {
			if j > 0 && j < len(t.columns) {
				fields[strings.ToLower(t.columns[j])] = c
			}
		}
		items[i] = widget.NewItem(r.name, fields)
	}
	return items
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

// other shows another type of object, as the words say.
func (p *objects) other(text string) tea.Cmd {
	words := strings.Fields(text)
	next := newObjects(p.env, p.cl, p.listing, "", p.ns)
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-n" && i+1 < len(words):
			next.ns = words[i+1]
			i++
		case w == "-A":
			next.ns = ""
		case strings.HasPrefix(w, "-") || next.kind != "":
			return alarm("one type, and -n NAMESPACE or -A: " + w + " is more")
		default:
			next.kind = w
		}
	}
	if next.kind == "" {
		return alarm("name a type: pods, deploy, svc, nodes ...")
	}
	return say(pushMsg{next})
}

func (p *objects) place(r *objectRow) []string {
	if r.namespace == "" {
		return nil
	}
	return []string{"-n", r.namespace}
}

func (p *objects) describe() tea.Cmd {
	r := p.current()
	if r == nil || r.name == "" {
		return nil
	}
	line := append([]string{"describe", p.kind, r.name}, p.place(r)...)
	return say(pushMsg{newLines(p.env, p.cl, "describe "+r.name, line, false)})
}

func (p *objects) eventsOf() tea.Cmd {
	r := p.current()
	if r == nil || r.namespace == "" {
		return nil
	}
	next := newObjects(p.env, p.cl, p.listing, "events", r.namespace)
	next.of = r.name
	return say(pushMsg{next})
}

// inPod does something in a container of the selected pod: with several, one is
// chosen first.
func (p *objects) inPod(then string) tea.Cmd {
	r := p.current()
	if r == nil || !p.pods() {
		return nil
	}
	cl, row := p.cl, *r
	return p.do(func(ctx context.Context) tea.Msg {
		var out capped
		err := cl.Do(ctx, []string{"get", "pod", row.name, "-n", row.namespace, "-o", "jsonpath={.spec.containers[*].name}"}, nil, &out)
		return containersMsg{names: strings.Fields(out.b.String()), row: row, then: then, err: err}
	})
}

func (p *objects) contained(m containersMsg) tea.Cmd {
	switch {
	case m.err != nil:
		return alarm(m.err.Error())
	case len(m.names) == 0:
		return alarm("the pod " + m.row.name + " has no container")
	case len(m.names) == 1:
		return p.within(m.names[0], m)
	}
	pr := &prompt{label: m.then + " in which of " + strings.Join(m.names, ", ")}
	pr.words.Set(m.names[0])
	pr.then = func(name string) tea.Cmd {
		if !slices.Contains(m.names, name) {
			return alarm("the pod has no container " + name + ": " + strings.Join(m.names, ", "))
		}
		return p.within(name, m)
	}
	p.prompt = pr
	return nil
}

// within shows a container's log, or attaches the terminal to a shell in it.
func (p *objects) within(container string, m containersMsg) tea.Cmd {
	at := []string{"-n", m.row.namespace, m.row.name, "-c", container}
	if m.then == "logs" {
		line := append([]string{"logs", "--follow", "--tail", "500"}, at...)
		return say(pushMsg{newLines(p.env, p.cl, "logs "+m.row.name+"/"+container, line, true)})
	}
	line := append(append([]string{"exec", "-i", "-t"}, at...), "--", "sh")
	return say(attachMsg{p.listing.Name, line})
}

func (p *objects) keys() []key.Binding {
	switch {
	case p.prompt != nil:
		return []key.Binding{keys.Send, keys.Back}
	case p.live:
		return []key.Binding{keys.Enter, bind("esc", "clear filter", "esc"), bind("↑/↓", "move", "up", "down")}
	}
	open, logs, shell := bind("enter", "describe", "enter"), keys.Logs, keys.Shell
	switch {
	case p.first:
		open = bind("enter", "pods", "enter")
	case p.pods():
		open = bind("enter", "logs", "enter")
	}
	logs.SetEnabled(p.pods())
	shell.SetEnabled(p.pods())
	return []key.Binding{open, shell, keys.Describe, keys.Events, keys.Types, keys.Filter, keys.Back, keys.Refresh, logs, keys.Move, keys.Ends}
}

func (p *objects) explain() []string {
	return []string{
		"The filter knows the columns: status:Running restarts:3 node:n1. !word leaves out.",
		": shows other types, as kubectl names them: deploy, svc, nodes, cm -n kube-system, events -A.",
		"Every list, log and shell is asked of the gate and recorded. Values of Secrets never show.",
	}
}
