package kubernetes

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is the server's own Table.
type table struct {
	Kind              string
	ColumnDefinitions []struct {
		Name     string
		Priority int
	}
	Rows []struct {
		Cells  []any
		Object struct {
			Metadata struct {
				Name, Namespace string
				Labels          map[string]string
			}
		}
	}
}

func readTable(b []byte) (*table, error) {
	var t table
	if err := json.Unmarshal(b, &t); err != nil || t.Kind != "Table" {
		return nil, errNotJSON
	}
	return &t, nil
}

// tablePrinter lays tables out, as kubectl does.
type tablePrinter struct {
	out           io.Writer
	wide, headers bool
	spaces        bool // with the namespace in front
	labels        bool
	kind          kind
	several       bool // kinds: names have theirs in front
	head          []string
	use           []int
	rows          [][]string
	widths        []int
	titled        bool
}

func (p *tablePrinter) begin(k kind, several bool) {
	p.kind, p.several, p.head, p.titled, p.widths = k, several, nil, false, nil
}

// add takes a page; a watch repeats no column definitions.
func (p *tablePrinter) add(t *table) error {
	if len(t.ColumnDefinitions) > 0 && p.head == nil {
		p.use = nil
		if p.spaces && p.kind.namespaced {
			p.head = append(p.head, "NAMESPACE")
		}
		for i, c := range t.ColumnDefinitions {
			if c.Priority == 0 || p.wide {
				p.use, p.head = append(p.use, i), append(p.head, strings.ToUpper(oneLine(c.Name)))
			}
		}
		if p.labels {
			p.head = append(p.head, "LABELS")
		}
	}
	for _, r := range t.Rows {
		var row []string
		if p.spaces && p.kind.namespaced {
			row = append(row, oneLine(r.Object.Metadata.Namespace))
		}
		for n, i := range p.use {
			cell := ""
			if i < len(r.Cells) {
				cell = cellText(r.Cells[i])
			}
			if n == 0 && p.several {
				cell = p.prefix() + cell
			}
			row = append(row, cell)
		}
		if p.labels {
			row = append(row, labelText(r.Object.Metadata.Labels))
		}
		p.rows = append(p.rows, row)
	}
	if len(p.rows) >= 500 { // a list without end keeps nothing but its widths
		return p.flush()
	}
	return nil
}

func (p *tablePrinter) prefix() string { return p.kind.nameOf() + "/" }

// nameOf is the kind as it stands in front of a name: pod, deployment.apps.
func (k kind) nameOf() string {
	name := k.singular
	if name == "" {
		name = strings.ToLower(k.kind)
	}
	if k.group != "" {
		name += "." + k.group
	}
	return name
}

func (p *tablePrinter) names(t *table) error {
	for _, r := range t.Rows {
		if _, err := fmt.Fprintln(p.out, p.prefix()+oneLine(r.Object.Metadata.Name)); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is there. Columns keep their widths from one page to the next.
func (p *tablePrinter) flush() error {
	rows := p.rows
	if len(rows) == 0 {
		return nil
	}
	if !p.titled && p.headers {
		rows = append([][]string{p.head}, rows...)
	}
	p.titled, p.rows = true, nil
	for _, r := range rows {
		for len(p.widths) < len(r) {
			p.widths = append(p.widths, 0)
		}
		for i, c := range r {
			p.widths[i] = max(p.widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		for i, c := range r {
			if i == len(r)-1 {
				b.WriteString(c)
				continue
			}
			b.WriteString(c + strings.Repeat(" ", p.widths[i]-utf8.RuneCountInString(c)+3))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return oneLine(v)
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.0f", v), ".0")
	}
	return oneLine(fmt.Sprint(v))
}

// oneLine keeps a cell in its row.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`, "\f", `\f`, "\u2028", " ", "\u2029", " ").Replace(s)
}

func labelText(labels map[string]string) string {
	var out []string
	for k, v := range labels {
		out = append(out, oneLine(k+"="+v))
	}
	if len(out) == 0 {
		return "<none>"
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}
