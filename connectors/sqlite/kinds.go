package sqlite

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/policy"
)

// schemaQuery is the only statement that the gate sends of its own accord,
// besides PRAGMA query_only when it connects.
const schemaQuery = "SELECT type, name, rootpage, tbl_name, sql FROM sqlite_schema"

// kinds is what the schema says of each name, with the letters of
// ASCII in lower case, as SQLite compares.
type kinds struct {
	tables   map[string]policy.TableKind
	triggers map[string]bool // as they are written: that is how the authorizer names them
	names    []string        // tables and views in the schema's order
	// defined are the definitions of tables and views by name, indexes and fired those
	// of indexes and triggers by the name of their table; all in lower case.
	defined        map[string]definition
	indexes, fired map[string][]definition
	// stamp tells one state of the schema from another.
	stamp [sha256.Size]byte
}

// definition is what the schema holds of one thing.
type definition struct{ name, sql string }

// readKinds reads the schema. The connection's authorizer must let it.
func readKinds(c *sqlite3.Conn) (kinds, error) {
	k := kinds{tables: make(map[string]policy.TableKind), triggers: make(map[string]bool),
		defined: make(map[string]definition), indexes: make(map[string][]definition), fired: make(map[string][]definition)}
	s, _, err := c.Prepare(schemaQuery)
	if err != nil {
		return k, err
	}
	defer s.Close()
	var virtual []string
	sum := sha256.New()
	for s.Step() {
		typ, name, table, text := s.ColumnText(0), s.ColumnText(1), syntax.Fold(s.ColumnText(3)), s.ColumnText(4)
		fmt.Fprintf(sum, "%q %q %q %q\n", typ, name, table, text)
		lower := syntax.Fold(name)
		switch {
		case typ == "trigger":
			k.triggers[name] = true
			k.fired[table] = append(k.fired[table], definition{name, text})
			continue
		case typ == "index":
			k.indexes[table] = append(k.indexes[table], definition{name, text})
			continue
		case typ == "view":
			k.tables[lower] = policy.TableView
		case typ != "table":
			continue
		case s.ColumnInt64(2) == 0:
			k.tables[lower] = policy.TableForeign
			virtual = append(virtual, lower)
		case strings.HasPrefix(lower, "sqlite_stat"):
			k.tables[lower] = policy.TableUnknown
		default:
			k.tables[lower] = policy.TablePlain
		}
		k.names = append(k.names, name)
		k.defined[lower] = definition{name, text}
	}
	sum.Sum(k.stamp[:0])
	if err := s.Err(); err != nil {
		return k, err
	}
	// A virtual table "docs" keeps its content in "docs_content" and the like.
	for _, v := range virtual {
		for name, kind := range k.tables {
			if kind == policy.TablePlain && strings.HasPrefix(name, v+"_") {
				k.tables[name] = policy.TableUnknown
			}
		}
	}
	for _, name := range []string{"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"} {
		k.tables[name] = policy.TablePlain
	}
	return k, nil
}

// of tells the kind of a table, and whether it is known at all.
func (k kinds) of(name string) (policy.TableKind, bool) {
	lower := syntax.Fold(name)
	if kind, ok := k.tables[lower]; ok {
		return kind, true
	}
	if tableFunctions[lower] {
		return policy.TableForeign, true
	}
	return policy.TableUnknown, false
}
