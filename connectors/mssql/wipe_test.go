package mssql

import (
	"reflect"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
)

// TestWiped: the library's session keeps what it was told to sign in with, but for the
// password.
func TestWiped(t *testing.T) {
	s := server(t, tdstest.Options{})
	c := open(t, endpoint(s), &connectortest.Guard{})
	told := reflect.ValueOf(c.session).Elem().FieldByName("connector").Elem().FieldByName("params")
	if user, n := told.FieldByName("User").String(), told.FieldByName("Password").Len(); user != "app" || n != len(appPassword) {
		t.Fatalf("the library keeps a user %q and %d bytes of a password: this test looks at the wrong place", user, n)
	}
	if p := told.FieldByName("Password").String(); p == appPassword {
		t.Error("the password is kept")
	}
}
