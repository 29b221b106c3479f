package mssql

import (
	"strings"
	"testing"
	"time"
)

func TestRender(t *testing.T) {
	at := time.Date(2026, 11, 26, 19, 5, 7, 123456700, time.FixedZone("", 2*3600))
	for _, c := range []struct {
		name  string
		scale int
		value any
		want  string
	}{
		{"INT", 0, int64(-7), "-7"}, {"BIT", 0, true, "1"}, {"BIT", 0, false, "0"},
		{"FLOAT", 0, 0.1, "0.1"}, {"FLOAT", 0, 1e300, "1e+300"}, {"FLOAT", 0, 0.0, "0"}, {"FLOAT", 0, 123456789.5, "123456789.5"}, {"REAL", 0, float32(0.1), "0.1"},
		{"DECIMAL", 4, []byte("12.3400"), "12.3400"}, {"MONEY", 0, []byte("-1.5000"), "-1.5000"}, {"VARBINARY", 0, []byte{0, 255}, `\x00ff`}, {"VARBINARY", 0, []byte{}, `\x`},
		{"UNIQUEIDENTIFIER", 0, []byte{0xff, 0x19, 0x96, 0x6f, 0x86, 0x8b, 0x11, 0xd0, 0xb4, 0x2d, 0x00, 0xc0, 0x4f, 0xc9, 0x64, 0xff}, "6F9619FF-8B86-D011-B42D-00C04FC964FF"},
		{"DATE", 0, at, "2026-11-26"}, {"TIME", 3, at, "19:05:07.123"}, {"DATETIME", 0, at, "2026-11-26 19:05:07.123"}, {"SMALLDATETIME", 0, at, "2026-11-26 19:05:07"},
		{"DATETIME2", 7, at, "2026-11-26 19:05:07.1234567"}, {"DATETIME2", 0, at, "2026-11-26 19:05:07"}, {"DATETIMEOFFSET", 2, at, "2026-11-26 19:05:07.12 +02:00"},
		{"NVARCHAR", 0, "zwölf 𝄞", "zwölf 𝄞"}, {"NVARCHAR", 0, "a\xffb", "a\uFFFDb"}, {"SQL_VARIANT", 0, int64(4), "4"},
	} {
		if got := string(typeOf(c.name, c.scale).render(nil, c.value)); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// TestTooLarge: a value that TEXTSIZE may have cut is noticed, one that just fits is not.
func TestTooLarge(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  bool
	}{
		{"NVARCHAR", strings.Repeat("x", valueMax/2), false}, {"NVARCHAR", strings.Repeat("x", valueMax/2+1), true},
		{"NVARCHAR", strings.Repeat("𝄞", valueMax/4), false}, {"NVARCHAR", strings.Repeat("𝄞", valueMax/4+1), true},
		{"VARCHAR", strings.Repeat("ö", valueMax), false}, {"VARCHAR", strings.Repeat("ö", valueMax+1), true},
		{"VARBINARY", make([]byte, valueMax), false}, {"VARBINARY", make([]byte, valueMax+1), true}, {"INT", int64(1), false}, {"XML", nil, false},
	} {
		if got := typeOf(c.name, 0).tooLarge(c.value); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestPeculiar: what the library would call as a procedure, or take for a command of its
// own, is not sent.
func TestPeculiar(t *testing.T) {
	for text, want := range map[string]bool{
		"sp_who": true, "dbo.p": true, "[a b].[c]": true, "INSERTBULK x (1)": true, "CHECKPOINT": true, "SELECT 1": false, "COMMIT": false, "rollback": false, "[sp_who]": true,
		"SELECT [a] FROM [b]": false, "p;": false, "SELECT\n1": false, "SELECT\t1": false, "dbo.[p q]": true, "a.[b c].[d\te]": true, "SELECT[a]FROM[b]": true, "[a": true, "EXEC/**/p": true, "EXEC p": false,
	} {
		if got := peculiar(text) != ""; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
