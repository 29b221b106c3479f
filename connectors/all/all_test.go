package all

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
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
	if !slices.Equal(kinds, folders) {
		t.Errorf("kinds %v, folders %v", kinds, folders)
	}
}
