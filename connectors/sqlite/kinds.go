package sqlite

import (
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/policy"
)

// schemaQuery is the only statement that the gate sends of its own accord,
// besides PRAGMA query_only when it connects.
const schemaQuery = "SELECT type, name, rootpage FROM sqlite_schema"

// kinds is what the schema says of each name, in lower case as SQLite compares.
type kinds struct {
	tables   map[string]policy.TableKind
	triggers map[string]bool // as they are written: that is how the authorizer names them
	names    []string        // tables and views in the schema's order
}

// readKinds reads the schema. The connection's authorizer must let it.
func readKinds(c *sqlite3.Conn) (kinds, error) {
	k := kinds{tables: make(map[string]policy.TableKind), triggers: make(map[string]bool)}
	s, _, err := c.Prepare(schemaQuery)
	if err != nil {
		return k, err
	}
	defer s.Close()
	var virtual []string
	for s.Step() {
		typ, name := s.ColumnText(0), s.ColumnText(1)
		lower := strings.ToLower(name)
		switch {
		case typ == "trigger":
			k.triggers[name] = true
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
	}
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
	lower := strings.ToLower(name)
	if kind, ok := k.tables[lower]; ok {
		return kind, true
	}
	if tableFunctions[lower] {
		return policy.TableForeign, true
	}
	return policy.TableUnknown, false
}
