package mssql

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
)

const appPassword = "pw-Mirabelle-71c0ffee"

// server is tdstest's, which is no SQL Server.
func server(t testing.TB, o tdstest.Options) *tdstest.Server {
	t.Helper()
	o.Login, o.Password, o.Database = "app", appPassword, "shop"
	s, err := tdstest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func endpoint(s *tdstest.Server) connectors.Endpoint {
	return connectors.Endpoint{Name: "shop-mssql", Address: s.Address(), User: "app", Database: "shop", TLS: "disable"}
}
