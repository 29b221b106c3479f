package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// table is a table of the demo's shop, with the types of both dialects.
type table struct {
	name    string
	columns []column
	rows    [][]any // int, string, bool, time.Time, date, nil, []string
}

type column struct{ name, postgres, sqlite string }

// date is a day.
type date struct{ time.Time }

// tables are all tables with their rows, the same in each call, in an order in
// which they can be filled. No row refers to an order, so that orders can be
// deleted.
func tables() []table {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	return []table{customers(g), orders(g), payments(g), employees(g), tokens(g)}
}

// columnsOf reads lines of name, type of PostgreSQL | type of SQLite.
func columnsOf(text string) []column {
	var all []column
	for line := range strings.Lines(text) {
		name, types, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		pg, lite, _ := strings.Cut(types, "|")
		all = append(all, column{name, strings.TrimSpace(pg), strings.TrimSpace(lite)})
	}
	return all
}

func customers(g generator) table {
	t := table{name: "customers", columns: columnsOf(`
		id int PRIMARY KEY        | INTEGER PRIMARY KEY
		full_name text NOT NULL   | TEXT NOT NULL
		email text NOT NULL UNIQUE | TEXT NOT NULL UNIQUE
		phone text NOT NULL       | TEXT NOT NULL
		ssn text NOT NULL         | TEXT NOT NULL
		card_number text NOT NULL | TEXT NOT NULL
		notes text                | TEXT
		profile jsonb NOT NULL    | TEXT NOT NULL
		tier text NOT NULL        | TEXT NOT NULL
		country char(2) NOT NULL  | TEXT NOT NULL
		is_active boolean NOT NULL | BOOLEAN NOT NULL
		created_at timestamptz NOT NULL | TEXT NOT NULL`)}
	for id := range customerCount {
		p := g.customer(id + 1)
		var notes any = p.notes
		if g.IntN(12) == 0 {
			notes = nil
		}
		t.rows = append(t.rows, []any{p.id, p.name, p.email, p.phone, p.ssn, p.card, notes, p.profile,
			pick(g, "free", "free", "basic", "pro", "enterprise"), p.country, g.IntN(8) > 0, g.instant()})
	}
	return t
}

func orders(g generator) table {
	t := table{name: "orders", columns: columnsOf(`
		id int PRIMARY KEY        | INTEGER PRIMARY KEY
		order_no text NOT NULL    | TEXT NOT NULL
		customer_id int NOT NULL REFERENCES customers(id) | INTEGER NOT NULL REFERENCES customers(id)
		status text NOT NULL      | TEXT NOT NULL
		total numeric(10,2) NOT NULL CHECK (total > 0) | NUMERIC NOT NULL CHECK (total > 0)
		currency char(3) NOT NULL | TEXT NOT NULL
		ext_ref uuid NOT NULL     | TEXT NOT NULL
		tracking_no text NOT NULL | TEXT NOT NULL
		app_version text NOT NULL | TEXT NOT NULL
		client_ip inet NOT NULL   | TEXT NOT NULL
		build_sha text NOT NULL   | TEXT NOT NULL
		placed_at timestamptz NOT NULL | TEXT NOT NULL`)}
	for id := range orderCount {
		t.rows = append(t.rows, []any{id + 1, fmt.Sprintf("%d%s", 2024+g.IntN(3), g.digits(12)), 1 + g.IntN(customerCount),
			pick(g, "new", "paid", "shipped", "delivered", "refunded"), number(g.amount()), pick(g, "EUR", "USD", "GBP"), g.uuid(),
			"1Z" + g.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 16), fmt.Sprintf("%d.%d.%d", 1+g.IntN(6), g.IntN(20), g.IntN(100)),
			g.ip(), g.hex(40), g.instant()})
	}
	return t
}

func payments(g generator) table {
	t := table{name: "payments", columns: columnsOf(`
		id int PRIMARY KEY        | INTEGER PRIMARY KEY
		order_id int NOT NULL     | INTEGER NOT NULL
		method text NOT NULL      | TEXT NOT NULL
		amount numeric(10,2) NOT NULL | NUMERIC NOT NULL
		card_number text NOT NULL | TEXT NOT NULL
		iban text NOT NULL        | TEXT NOT NULL
		payer_email text NOT NULL | TEXT NOT NULL
		gateway_ref text NOT NULL | TEXT NOT NULL
		paid_at timestamptz NOT NULL | TEXT NOT NULL`)}
	for id := range paymentCount {
		t.rows = append(t.rows, []any{id + 1, id + 1, pick(g, "card", "iban", "wallet"), number(g.amount()), g.card(), g.iban(),
			fmt.Sprintf("payer%d.%s@example.net", id+1, g.text("abcdefghijkmnpqrstuvwxyz", 5)), "gw_" + g.hex(12), g.instant()})
	}
	return t
}

func employees(g generator) table {
	t := table{name: "employees", columns: columnsOf(`
		id int PRIMARY KEY        | INTEGER PRIMARY KEY
		full_name text NOT NULL   | TEXT NOT NULL
		work_email text NOT NULL  | TEXT NOT NULL
		department text NOT NULL  | TEXT NOT NULL
		title text NOT NULL       | TEXT NOT NULL
		salary numeric(10,2) NOT NULL | NUMERIC NOT NULL
		manager_id int REFERENCES employees(id) | INTEGER REFERENCES employees(id)
		hired_on date NOT NULL    | TEXT NOT NULL`)}
	for id := range employeeCount {
		first, last := pick(g, firstNames...), pick(g, lastNames...)
		var manager any // the first five have none
		if id >= 5 {
			manager = 1 + g.IntN(id)
		}
		t.rows = append(t.rows, []any{id + 1, first + " " + last,
			fmt.Sprintf("%s.%s%d@example.com", strings.ToLower(first), strings.ToLower(last), id+1),
			pick(g, "engineering", "finance", "people", "sales", "support"), pick(g, "I", "II", "III", "lead", "director"),
			number(fmt.Sprintf("%d.%d%d", 40_000+g.IntN(240_000), g.IntN(10), 1+g.IntN(9))), manager,
			date{time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, g.IntN(5000))}})
	}
	return t
}

func tokens(g generator) table {
	t := table{name: "api_tokens", columns: columnsOf(`
		id int PRIMARY KEY        | INTEGER PRIMARY KEY
		name text NOT NULL        | TEXT NOT NULL
		kind text NOT NULL        | TEXT NOT NULL
		secret text NOT NULL      | TEXT NOT NULL
		owner_id int NOT NULL REFERENCES employees(id) | INTEGER NOT NULL REFERENCES employees(id)
		scopes text[] NOT NULL    | TEXT NOT NULL
		revoked boolean NOT NULL  | BOOLEAN NOT NULL
		last_used_ip inet         | TEXT
		created_at timestamptz NOT NULL | TEXT NOT NULL`)}
	for id := range tokenCount {
		kind := tokenKinds[id%len(tokenKinds)]
		var ip any
		if g.IntN(6) > 0 {
			ip = g.ip()
		}
		t.rows = append(t.rows, []any{id + 1, fmt.Sprintf("%s-%s-%02d", pick(g, "ci", "deploy", "billing", "backup"), kind, id+1), kind,
			g.token(kind, id+1), 1 + g.IntN(employeeCount), []string{pick(g, "read", "write", "admin")}, g.IntN(8) == 0, ip, g.instant()})
	}
	return t
}

// number is a decimal number, written out.
type number string

// dialect writes values as a database's literals.
type dialect struct {
	boolean func(bool) string
	list    func([]string) string
}

// literal is a value in SQL. Neither dialect sees a backslash as special.
func (d dialect) literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int:
		return fmt.Sprint(v)
	case number:
		return string(v)
	case bool:
		return d.boolean(v)
	case time.Time:
		return quote(v.Format("2006-01-02T15:04:05Z"))
	case date:
		return quote(v.Format(time.DateOnly))
	case []string:
		return d.list(v)
	case string:
		return quote(v)
	}
	panic(fmt.Sprintf("no literal for a %T", v))
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// create and insert are the statements of one table.
func (t table) create(typeOf func(column) string) string {
	var cols []string
	for _, c := range t.columns {
		cols = append(cols, c.name+" "+typeOf(c))
	}
	return "CREATE TABLE " + t.name + " (" + strings.Join(cols, ", ") + ")"
}

// rowsPerInsert keeps statements small enough to read in a log.
const rowsPerInsert = 100

func (t table) insert(d dialect) []string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	var all []string
	for from := 0; from < len(t.rows); from += rowsPerInsert {
		var rows []string
		for _, row := range t.rows[from:min(from+rowsPerInsert, len(t.rows))] {
			var values []string
			for _, v := range row {
				values = append(values, d.literal(v))
			}
			rows = append(rows, "("+strings.Join(values, ",")+")")
		}
		all = append(all, "INSERT INTO "+t.name+" ("+strings.Join(names, ",")+") VALUES\n"+strings.Join(rows, ",\n"))
	}
	return all
}
