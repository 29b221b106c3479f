package clickhouse

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// benign are what people ask every day, of tables of which one has a masked column.
var benign = []string{
	"select count() from customers",
	"select id, name from customers where id between 3 and 9 order by id",
	"select id, email from customers where name = 'Name 7' or name like 'Name 1%' order by id desc limit 10",
	"SELECT c.id, c.email AS mail, k.n FROM customers AS c ANY LEFT JOIN counters AS k USING (id) ORDER BY c.id LIMIT 5",
	"select toStartOfHour(at) as h, count() as n, sum(total) / count() as mean, quantiles(0.5, 0.9)(toFloat64(total)) from orders where at >= toDateTime('2020-01-01 00:00:00') group by h having n > 0 order by h",
	"select status, uniqExact(id), sumIf(total, status = 'new'), round(avg(total), 2) from orders group by status order by status",
	"select status, count(*) from orders group by status with totals order by status",
	"select id, tags[1], length(tags), has(tags, 'a'), arrayStringConcat(tags, ',') from orders order by id limit 3",
	"select id, arrayJoin(tags) as tag from orders order by id, tag limit 10",
	"select id, arrayMap(x -> upper(x), tags) from orders order by id limit 3",
	"select id, tag from orders array join tags as tag order by id limit 3",
	"select id, if(total > 10, 'big', 'small') as size, case status when 'new' then 1 else 0 end from orders order by id limit 3",
	"select * from (select status, count() as n from orders group by status) where n > 1 order by n",
	"select status from orders union all select 'x'",
	"select id from orders where id in (1, 2, 3) and status not in ('old') and not total < 1 order by id",
	"select id from orders where id in (select id from counters) order by id",
	"select any(status), max(at), min(at), max(total) from orders",
	"select formatDateTime(at, '%Y-%m') as month, count() from orders group by month order by month",
	"select toDate(at) - interval 1 day, dateDiff('day', at, now()) >= 0, toYYYYMM(at) from orders order by id limit 1",
	"select id, total, runningDifference(toFloat64(total)) from orders order by id limit 5",
	"select distinct status from orders order by status limit 2, 3",
	"select name, type from system.columns where table = 'orders' order by name",
	"select * from numbers(3)",
	"select 1, 'a''b', -1.5e3, [1, 2], (1, 'x'), null, now() > toDateTime(0)",
	"show tables", "show databases", "describe table customers", "show create table customers", "exists table orders",
	"select id /* the key */, name -- their name\nfrom customers\nwhere id = 1;",
	"select cast(total as String), cast(id, 'Int64') from orders order by id limit 1",
	"with 10 as least select id from orders where total > least order by id limit 1",
}

// TestBenign holds that masks on one column are no hindrance to the rest: each runs, on
// the real server, as a read.
func TestBenign(t *testing.T) {
	s, name := database(t, append(append([]string(nil), suiteSchema[:4]...),
		"create table orders (id UInt32, at DateTime, status String, total Decimal(9, 2), tags Array(String)) engine = MergeTree partition by toYYYYMM(at) order by (status, at)",
		"insert into orders select number, toDateTime('2020-01-01 00:00:00') + number * 3600, ['new', 'paid', 'old'][number % 3 + 1], toDecimal32(number, 2), ['a', 'b'] from numbers(100)")...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, mask.Rule{Name: "contact", Column: "customers.email"})
	for _, text := range benign {
		g := &connectortest.Guard{Seen: p, Kept: p}
		rows, err := ask(t, c, g, text)
		var te *connectors.TargetError
		if errors.As(err, &te) {
			t.Errorf("%s: the server refuses it: %v", text, err)
		} else if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if len(rows) == 0 {
			t.Errorf("%s: no rows", text)
		}
		if f := Facts(text); f.Class != policy.Read || f.Destructive {
			t.Errorf("%s: %s (%s)", text, f.Class, f.Why)
		}
	}
}
