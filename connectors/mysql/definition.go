package mysql

import (
	"errors"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
)

var errSeveral = errors.New("the text is not one statement")

// parseOne parses a text of one statement, without comments that may run.
func parseOne(text string) (st ast.StmtNode, err error) {
	defer func() {
		if r := recover(); r != nil { // the parser is not ours
			st, err = nil, errors.New("the parser failed inside")
		}
	}()
	if why := unfit(text); why != "" {
		return nil, errors.New(why)
	}
	if s := scan(text); s.odd != "" || s.special || s.openers > maxOpeners {
		return nil, errors.New("it has comments that may run, or is nested too deeply")
	}
	list, _, err := parser.New().ParseSQL(text)
	if err != nil {
		return nil, errors.New("the parser does not take it: " + firstLine(err.Error()))
	}
	if len(list) != 1 {
		return nil, errSeveral
	}
	return list[0], nil
}

// names are the columns that an expression names, "" among them where it cannot be
// told.
func names(text string) []string {
	if text == "" {
		return nil
	}
	e, err := expression(text)
	if err != nil {
		return []string{""}
	}
	f := columnsOf{}
	e.Accept(&f)
	return f.names
}

// columnsOf collects the names of columns.
type columnsOf struct{ names []string }

func (c *columnsOf) Enter(n ast.Node) (ast.Node, bool) {
	if e, ok := n.(*ast.ColumnNameExpr); ok {
		c.names = append(c.names, e.Name.Name.O)
	}
	return n, false
}

func (c *columnsOf) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// viewQuery parses a view's definition as the server writes it.
func viewQuery(text string) (ast.ResultSetNode, error) {
	if text == "" {
		return nil, errors.New("this login may not read its definition")
	}
	st, err := parseOne(text)
	if err != nil {
		return nil, err
	}
	q, ok := st.(ast.ResultSetNode)
	if !ok {
		return nil, errors.New("it is no query")
	}
	return q, nil
}

func expression(text string) (ast.ExprNode, error) {
	st, err := parseOne("select " + text)
	if err != nil {
		return nil, err
	}
	s, ok := st.(*ast.SelectStmt)
	if !ok || s.From != nil || s.Fields == nil || len(s.Fields.Fields) != 1 || s.Fields.Fields[0].Expr == nil {
		return nil, errors.New("it is not one expression")
	}
	return s.Fields.Fields[0].Expr, nil
}
