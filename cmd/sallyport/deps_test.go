package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport"

// imports is the law of who may import whom within the module, in the words of
// the README's map. A line is "package : may import"; "x/..." is x and all below it.
// Test files obey it too, but for the packages named in testsMay.
const imports = `
mask                     :
policy                   :
recorder                 :
recorder/...             : recorder
recorder/export          : recorder recorder/ledger
recorder/search          : recorder recorder/export
connectors               : mask policy
connectors/postgres/pgserver : connectors/internal/account connectors/internal/process
connectors/sqlite        : connectors mask policy connectors/sqlite/syntax connectors/sqlite/lineage
connectors/sqlite/syntax :
connectors/sqlite/lineage : mask connectors/sqlite/syntax
connectors/postgres/grants : mask
connectors/postgres      : connectors mask policy connectors/postgres/grants connectors/postgres/lineage
connectors/ssh           : connectors mask policy connectors/internal/shellfacts connectors/internal/filefacts
connectors/http          : connectors mask policy connectors/internal/lines
connectors/kubernetes    : connectors mask policy connectors/http connectors/internal/shellfacts connectors/internal/filefacts connectors/internal/lines
connectors/kubernetes/kubetest :
connectors/mysql/mariaserver : connectors/internal/account connectors/internal/process
connectors/mysql/lineage : mask
connectors/mysql         : connectors mask policy connectors/mysql/lineage
connectors/redis/redisserver : connectors/internal/account connectors/internal/process
connectors/redis         : connectors mask policy
connectors/mssql         : connectors mask policy connectors/internal/sqltext
connectors/mssql/tdstest :
connectors/internal/shellfacts : policy
connectors/internal/account :
connectors/internal/process :
connectors/internal/lines :
connectors/internal/sqltext :
connectors/clickhouse/clickserver : connectors/internal/account connectors/internal/process
connectors/clickhouse    : connectors mask policy connectors/internal/sqltext
connectors/internal/filefacts : connectors policy connectors/internal/shellfacts
connectors/postgres/lineage : mask
connectors/ssh/sshdtest  :
connectors/mongodb       : connectors mask policy connectors/mongodb/shell connectors/mongodb/judge
connectors/mongodb/shell :
connectors/mongodb/judge : connectors mask policy connectors/mongodb/shell
connectors/mongodb/ferretserver : connectors/internal/process
connectors/command       : connectors mask policy
connectors/all           : connectors policy connectors/internal/shellfacts connectors/internal/filefacts connectors/http connectors/kubernetes connectors/mysql connectors/sqlite connectors/postgres connectors/ssh connectors/command connectors/redis connectors/clickhouse connectors/mssql connectors/mongodb
connectors/connectortest : connectors mask policy
connectors/connectortest/suitetable : connectors/connectortest connectors/all
tui                      : policy recorder connectors tui/widget
tui/widget               :
tui/tuitest              : tui tui/widget policy recorder connectors mask
server/cluster           :
server/cluster/...       : server/cluster
server/secret            : mask
server/identity          : policy mask server/cluster
server/identity/...      : policy
server/config            : policy mask
server/audit             : recorder
server/approval          : policy server/cluster
server/session           : policy mask recorder recorder/search recorder/ledger connectors server/identity server/approval server/secret server/cluster
server                   : tui tui/widget policy recorder recorder/export recorder/search connectors mask server/session server/identity server/config
server/termtest          :
cmd/...                  : ...
`

// testsMay are what test files may import besides: suites and real servers.
var testsMay = []string{
	"connectors/connectortest", "connectors/postgres/pgserver", "connectors/mysql/mariaserver", "connectors/redis/redisserver", "connectors/clickhouse/clickserver", "connectors/mssql/tdstest", "connectors/mongodb/ferretserver", "connectors/ssh/sshdtest", "connectors/kubernetes/kubetest", "recorder/storetest", "recorder/boltstore", "recorder/ledger", "recorder/agekeys", "recorder/export",
	"server/cluster/kvtest", "server/cluster/boltkv", "server/identity/oidctest", "server/identity/idptest", "server/termtest", "tui/tuitest", "connectors/sqlite",
	"mask", "policy", "recorder",
}

// It parses the files itself: a test that asks `go list` is served from the test
// cache after the imports have changed.
func TestImportTable(t *testing.T) {
	root := filepath.Join("..", "..")
	table := parseTable(t, imports)
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || rel == "testdata" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(rel))
		seen[pkg] = true
		for _, imp := range importsOf(t, file) {
			if imp == pkg || allowed(table, pkg, imp) || (strings.HasSuffix(file, "_test.go") && contains(testsMay, imp)) {
				continue
			}
			t.Errorf("%s imports %s, which the table does not allow to %s", rel, imp, pkg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if _, ok := lookup(table, pkg); !ok {
			t.Errorf("package %s is not in the table", pkg)
		}
	}
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range f.Imports {
		if rel, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module+"/"); ok {
			out = append(out, rel)
		}
	}
	return out
}

func parseTable(t *testing.T, text string) map[string][]string {
	t.Helper()
	table := map[string][]string{}
	for line := range strings.Lines(text) {
		pkg, may, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok {
			table[strings.TrimSpace(pkg)] = strings.Fields(may)
		}
	}
	return table
}

// lookup finds the line for a package: its own, or that of the nearest "x/...".
func lookup(table map[string][]string, pkg string) ([]string, bool) {
	if may, ok := table[pkg]; ok {
		return may, true
	}
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		if may, ok := table[dir+"/..."]; ok {
			return may, true
		}
	}
	return nil, false
}

func allowed(table map[string][]string, pkg, imp string) bool {
	may, _ := lookup(table, pkg)
	return contains(may, imp) || contains(may, "...")
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// The table itself must be able to fail.
func TestImportTableCatches(t *testing.T) {
	table := parseTable(t, imports)
	for _, bad := range [][2]string{{"mask", "policy"}, {"tui", "server"}, {"connectors", "recorder"}, {"server/session", "server"}, {"recorder/boltstore", "mask"}} {
		if allowed(table, bad[0], bad[1]) {
			t.Errorf("%s may import %s", bad[0], bad[1])
		}
	}
	if _, err := os.Stat(filepath.Join("..", "..", "go.mod")); err != nil {
		t.Fatal("the tree is not where this test looks:", err)
	}
}
