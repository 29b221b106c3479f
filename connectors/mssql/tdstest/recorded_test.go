package tdstest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
)

func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, file := range []string{"../testdata/ms-tds.txt", "../testdata/recorded.txt"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sections, err := Transcript(string(b))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, sections)
	}
	return all
}

// TestRecordedPackets holds that what was recorded as packets is whole, and of its kind.
func TestRecordedPackets(t *testing.T) {
	for name, kind := range map[string]byte{
		"4.1 pre-login request": preloginMessage, "4.2 login request": loginMessage, "4.4 login response": replyMessage, "4.6 batch request": batchMessage, "4.7 batch response": replyMessage,
		"4.8 RPC request": rpcMessage, "4.9 RPC response": replyMessage, "4.10 attention request": attentionMessage, "4.13 transaction manager request": managerMessage,
		"4.15 sparse column select": replyMessage, "4.18 response with session state": replyMessage, "4.21 login response of Azure SQL": replyMessage,
		"2025 pre-login request": preloginMessage, "2025 pre-login response": replyMessage, "2025 batch request": batchMessage,
		"2012 pre-login request": preloginMessage, "2012 pre-login response": replyMessage,
	} {
		rest := bytes.NewReader(recorded(t)[name])
		m, err := readMessage(rest)
		if err != nil || m.kind != kind || rest.Len() > 0 {
			t.Errorf("%s: kind %d, %d bytes too many: %v", name, m.kind, rest.Len(), err)
		}
	}
}

// TestRecordedPrelogin holds that the server here agrees with clients on what real servers
// agreed with them on.
func TestRecordedPrelogin(t *testing.T) {
	p := recorded(t)
	for name, want := range map[string]byte{"4.1 pre-login request": encryptOn, "2025 pre-login request": encryptOff, "2012 pre-login request": encryptOn} {
		if got := asked(p[name][headSize:]); got != want {
			t.Errorf("%s asks for %d, want %d", name, got, want)
		}
	}
	for _, version := range []string{"2025", "2012"} {
		said := asked(p[version+" pre-login response"][headSize:])
		if got := agreed(asked(p[version+" pre-login request"][headSize:]), true, false); got != said {
			t.Errorf("%s: encryption %d, a real server says %d", version, got, said)
		}
	}
}

// TestRecordedLogins reads who clients that are not ours sign in as.
func TestRecordedLogins(t *testing.T) {
	p := recorded(t)
	for name, want := range map[string]login{
		"4.2 login request":       {user: "sa", app: "OSQL-32", host: "skostov1"},
		"SqlClient login request": {app: ".Net SqlClient Data Provider", host: "WORKSTATION1", database: "master"},
	} {
		b := p[name]
		if b[0] == loginMessage {
			b = b[headSize:]
		}
		if got, err := parseLogin(b); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
		for n := range len(b) {
			_, _ = parseLogin(b[:n]) // which must not panic
		}
	}
}

// TestRecordedRequests reads what clients that are not ours ask for.
func TestRecordedRequests(t *testing.T) {
	p := recorded(t)
	for name, want := range map[string]string{
		"4.6 batch request":  "\nselect 'foo' as 'bar'\n        ",
		"2025 batch request": "SELECT CAST(42 AS int) AS answer, CAST('hello' AS nvarchar(20)) AS greeting, CAST(1.5 AS float) AS ratio, CAST(NULL AS int) AS missing",
	} {
		r := &reader{b: p[name][headSize:]}
		r.headers()
		if got := fromUTF16(r.b); got != want || r.bad {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, want := range map[string]string{
		"SqlClient sp_executesql, an int": "SELECT * FROM people WHERE id = @id map[@id:1]",
		"SqlClient sp_executesql, nulls":  "select TABLE_CATALOG, map[@Catalog:<nil> @Name:<nil> @Owner:<nil> @TableType:<nil>]",
		"SqlClient sp_executesql, ntext":  "SELECT @p AS v map[@p:policy]",
	} {
		text, args, err := parseCall(p[name])
		if name == "SqlClient sp_executesql, nulls" {
			text = strings.Join(strings.Fields(text)[:2], " ")
		}
		if got := fmt.Sprint(text, " ", args); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		for n := range len(p[name]) {
			_, _, _ = parseCall(p[name][:n]) // which must not panic
		}
	}
	if _, _, err := parseCall(p["4.8 RPC request"][headSize:]); err == nil || !strings.Contains(err.Error(), "'foo3'") {
		t.Errorf("4.8: %v", err)
	}
	r := &reader{b: p["4.13 transaction manager request"][headSize:]}
	if r.headers(); r.number(2) != 22 || r.bad || len(r.b) > 0 { // TM_PROMOTE_XACT
		t.Error("4.13 is not read")
	}
}

// TestRecordedRows holds that rows and their end are written as SQL Server 2025 does.
func TestRecordedRows(t *testing.T) {
	want := recorded(t)["2025 batch response"]
	var got bytes.Buffer
	a := &answer{w: newWriter(&got, replyMessage)}
	list := []column{{"answer", "INT"}, {"greeting", "NVARCHAR"}, {"ratio", "FLOAT"}, {"missing", "INT"}}
	a.row(list, []any{int64(42), "hello", 1.5, nil})
	a.done(doneCount, 1)
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	if b := got.Bytes()[headSize:]; !bytes.HasSuffix(want, b) || len(b) < 40 {
		t.Errorf("% x is not how % x ends", b, want)
	}
	got.Reset()
	a = &answer{w: newWriter(&got, replyMessage)}
	a.columns(list[:1])
	_ = a.end()
	one := append([]byte{0x81, 1, 0}, want[3:3+8+1+2*len("answer")]...)
	if b := got.Bytes()[headSize:]; !bytes.Equal(append(b[:7:7], b[9:]...), append(one[:7:7], one[9:]...)) { // but for flags, which say whence it is
		t.Errorf("a column is described as % x, by a real server as % x", b, one)
	}
}
