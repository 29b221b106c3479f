//go:build cgo

package postgres

import (
	"errors"

	"github.com/pganalyze/pg_query_go/v6/parser"
)

// parserName is shown in tests and benchmarks.
const parserName = "cgo"

// parseTree returns the tree of a text in protobuf encoding.
func parseTree(text string) ([]byte, error) {
	b, err := parser.ParseToProtobuf(text)
	var e *parser.Error
	if errors.As(err, &e) {
		return nil, grammarError(e.Message, e.Filename, e.Cursorpos)
	}
	return b, err
}

// scanText returns the words of a text, comments among them, in protobuf encoding.
func scanText(text string) ([]byte, error) { return parser.ScanToProtobuf(text) }

// parsePL returns the PL/pgSQL sources of a text as JSON.
func parsePL(text string) (string, error) { return parser.ParsePlPgSqlToJSON(text) }
