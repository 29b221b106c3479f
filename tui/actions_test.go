package tui

import (
	"reflect"
	"testing"

	"charm.land/bubbles/v2/key"
)

// What is chosen from the palette is done by its key: every key that a binding names
// can be pressed so, and is taken for that binding.
func TestKeyOf(t *testing.T) {
	all := reflect.ValueOf(keys)
	for i := range all.NumField() {
		b := all.Field(i).Interface().(key.Binding)
		for _, name := range b.Keys() {
			k, ok := keyOf(name)
			if !ok || !pressed(k, b) || k.String() != name {
				t.Errorf("%s: the key %q is pressed as %q (%v)", all.Type().Field(i).Name, name, k, ok)
			}
		}
	}
	for _, name := range []string{"", "ctrl+", "f99", "two words"} {
		if k, ok := keyOf(name); ok {
			t.Errorf("%q is pressed as %q", name, k)
		}
	}
}
