package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

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
