package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

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
	return say(pushMsg{newLines(p.env, p.cl, p.listing.Resource, "describe "+r.name, line, false)})
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
	what := m.then
	if what == "exec" {
		what = keys.Shell.Help().Desc
	}
	pr := &prompt{label: what + " in which of " + strings.Join(m.names, ", ")}
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
		return say(pushMsg{newLines(p.env, p.cl, p.listing.Resource, "logs "+m.row.name+"/"+container, line, true)})
	}
	line := append(append([]string{"exec", "-i", "-t"}, at...), "--", "sh")
	return say(attachMsg{p.listing.Name, line})
}
