package all

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// TestDrivers: every folder below connectors that is a kind is in the list, under
// its own name: the folder, the package and the word in the configuration.
func TestDrivers(t *testing.T) {
	drivers := Drivers(Options{})
	defer func() {
		if err := Close(drivers); err != nil {
			t.Error(err)
		}
	}()
	var kinds []string
	for _, d := range drivers {
		kinds = append(kinds, d.Kind())
		if pkg := filepath.Base(reflect.TypeOf(d).Elem().PkgPath()); pkg != d.Kind() {
			t.Errorf("kind %q comes from package %q", d.Kind(), pkg)
		}
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains([]string{"all", "connectortest", "internal"}, e.Name()) {
			folders = append(folders, e.Name())
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, folders) {
		t.Errorf("kinds %v, folders %v", kinds, folders)
	}
}

// TestDialects: every dialect judges, and takes a harmless text for a read.
func TestDialects(t *testing.T) {
	drivers := Drivers(Options{})
	defer Close(drivers)
	harmless := map[string]string{"shell": "ls", "http": "GET /a", "k8s": "kubectl get pods", "mysql": "select 1", "file": "read /var/log/app.log"}
	for _, d := range Dialects(drivers) {
		text, ok := harmless[d.Name]
		if !ok {
			continue // by a worker process or an engine: their own packages test it
		}
		f, err := d.Classify(t.Context(), text)
		if err != nil || f.Class != policy.Read {
			t.Errorf("%s: %q is %s: %v %s", d.Name, text, f.Class, err, f.Why)
		}
		if f, _ := d.Classify(t.Context(), "\x00"); f.Class != policy.Unknown {
			t.Errorf("%s: NUL is %s", d.Name, f.Class)
		}
		delete(harmless, d.Name)
	}
	if len(harmless) > 0 {
		t.Errorf("no dialect for %v", harmless)
	}
}
