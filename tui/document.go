package tui

import (
	"bytes"
	"encoding/json"

	"github.com/sallyport/sallyport/tui/widget"
)

// maxDocument is up to where a cell is laid out as a document.
const maxDocument = 1 << 20

// kindMongoDB is the kind whose statements are commands, not SQL.
const kindMongoDB = "mongodb"

// example is how a statement begins.
func (p *workspace) example() string {
	if p.listing.Kind == kindMongoDB {
		return "db.collection.find({ … })"
	}
	return "select … "
}

// laidOut is a JSON object or array over several lines, and any other text as it is.
func laidOut(text string) string {
	if len(text) < 2 || len(text) > maxDocument || text[0] != '{' && text[0] != '[' {
		return text
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return text
	}
	return b.String()
}

// documentLines are a document's lines in the record view, none where the value is
// something else.
func (p *workspace) documentLines(c widget.GridColumn, v widget.Cell, w, most int) []string {
	if c.Type != "document" || v.Null || v.Kind == widget.CellWithheld {
		return nil
	}
	style := p.text
	if v.Kind != widget.CellShown {
		style = p.masked // parts of it
	}
	var out []string
	for _, s := range widget.Chop(widget.EscapeLines(laidOut(v.Text)), max(1, w-4)) {
		if len(out) >= most {
			break
		}
		out = append(out, "   "+style.Render(s))
	}
	return out
}
