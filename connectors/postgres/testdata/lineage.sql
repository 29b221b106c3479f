-- Queries whose lineage must be understood and no narrower than the server's own
-- resolution, one a line, over testdata/corpus/schema.sql and traceSchema.
select email from customers
select EMAIL from CUSTOMERS
select "email" from "customers"
select c.email e from customers c
select customers.email from public.customers
select public.customers.email from public.customers
select corpus.public.customers.email from public.customers
select * from customers, orders
select o.*, c.email from customers c join orders o on o.customer_id = c.id
select * from customers join orders on orders.customer_id = customers.id
select * from customers join orders using (id)
select id from customers full join orders using (id)
select j.email from (customers join orders using (id)) j
select j.id from customers join orders using (id) as j
select * from customers natural join other.orders
select * from (customers c join orders o using (id)) join payments p using (id)
select x.a from (customers join payments using (id)) as x(a)
select e from (select email from customers) s(e)
select s.e from (select lower(email) e from customers) s
select a, b from (values (1, 'x'), (2, (select email from customers limit 1))) v(a, b)
with t as (select email, id from customers) select t.email, u.id from t, t u
with t(a) as (select email from customers) select a from t
with a as (select email from customers), b as (select * from a) select * from b
with recursive r(n, e) as (select 1, email from customers where id = 1 union all select n + 1, e || 'x' from r where n < 3) select * from r
with recursive a as (select * from b), b as (select email from customers) select * from a
with recursive r as (select id, manager_id from employees where id = 1 union all select e.id, e.manager_id from employees e join r on e.manager_id = r.id) search depth first by id set s cycle id set c using p select id from r
with orders as (select email as status from customers) select status from orders
with x as (select 1) select (with x as (select email from customers limit 1) select * from x)
select (select email from customers c where c.id = o.customer_id) from orders o
select exists (select 1 from customers where id = 1)
select id in (select customer_id from orders) from customers
select array(select email from customers)
select (array(select email from customers))[1]
select (array(select email from customers))[1:2]
select l.e from orders o, lateral (select email e from customers c where c.id = o.customer_id) l
select l.e from orders o left join lateral (select email e from customers c where c.id = o.customer_id) l on true
select x.v from customers c cross join lateral (values (c.email), (c.ssn)) x(v)
select email from customers union all select status from orders
select email from customers union select status from orders order by email
select email e from customers intersect select ssn from customers order by 1
(select email from customers limit 1) union all (select ssn from customers order by id limit 1)
select * from (select email from customers except all select status from orders) s
values (1, 'a'), (2, 'b') order by column1
table customers
select c from customers c
select customers from customers
select c.* from customers c
select (c).email from customers c
select (c.*).email from customers c
select (c).* from customers c
select c::text, (c.*)::text from customers c
select row(c.*), row(c.id, c.email) from customers c
select email(c) from customers c
select c.reach from customers c
select reach(c), reach(c.*) from customers c
select to_jsonb(c) -> 'email', row_to_json(c)::text from customers c
select (s.c).email from (select c from customers c) s
select count(*), count(email), count(c) from customers c
select count(distinct email) from customers
select max(email), string_agg(email, ',' order by id), array_agg(email) filter (where id > 1) from customers
select tier, count(*) from customers group by tier having count(*) > 1 order by 2
select tier t, count(*) from customers group by t
select tier, country, count(*), grouping(tier, country) from customers group by grouping sets ((tier), (country), ())
select tier, count(*) from customers group by rollup (tier, country)
select distinct on (tier) tier, email from customers order by tier, id
select first_value(email) over w, rank() over (w order by country) from customers window w as (partition by tier)
select sum(total) over (partition by status order by id rows between 1 preceding and current row) from orders
select percentile_cont(0.5) within group (order by salary) from employees
select case when tier = 'pro' then email else ssn end from customers
select case tier when 'pro' then 1 else 2 end from customers
select coalesce(notes, email), nullif(tier, 'x'), greatest(email, ssn), least(1, 2) from customers
select email || ssn, email like 'a%', email ~ 'x', email between 'a' and 'b', email in ('a', 'b'), email = any (array['a']) from customers
select email is null, is_active is true, not is_active, is_active and id > 1 from customers
select email is distinct from ssn, (id, email) = (1, 'x'), row(id, email) < row(1, 'x') from customers
select email collate "C", cast(email as varchar(3)), email::citext, id::text from customers
select current_date, current_user, session_user, localtimestamp, current_schema
select xmlelement(name a, xmlattributes(email as e), ssn), xmlforest(email, ssn as x), xmlconcat(xmlelement(name b, email)) from customers
select xmlserialize(content xmlelement(name a, email) as text) from customers
select json_build_object('a', email), jsonb_build_array(email, ssn), json_agg(c) from customers c group by id, email, ssn
select x.v from customers c, unnest(array[c.email, c.ssn]) x(v)
select x from customers c, unnest(array[c.email, c.ssn]) x
select u.a, u.b from unnest(array[1, 2], array['x', 'y']) u(a, b)
select n, ord from generate_series(1, 3) with ordinality t(n, ord)
select ordinality, g from generate_series(1, 3) with ordinality g
select * from rows from (generate_series(1, 2), generate_series(1, 3)) as t(a, b)
select key, value from customers, jsonb_each_text(profile)
select k.value from customers c, jsonb_each(to_jsonb(c)) k
select (jsonb_each(profile)).value from customers
select (jsonb_each(profile)).* from customers
select * from json_to_record('{"a": 1}') as x(a int, b text)
select * from jsonb_to_recordset('[]') as x(a int, b text)
select x.* from customers c, xmltable('/a/b' passing xmlelement(name a, c.email) columns e text path '.', n for ordinality) x
select * from customers tablesample system (50)
select email from only customers
select ctid, tableoid, xmin from customers
select c.ctid from customers c
select email from get_customers('DE')
select (get_customers('DE')).*
select (get_customers('DE')).email
select g from get_customers('DE') g
select get_customers('DE')
select ref, v from customer_card(1)
select * from customer_card(1)
select customer_card(1)
select atomic_email(1)
select a, b from two()
select * from two()
select order_count(id) from customers
select contact, line from v_customer_contact
select * from v_twice
select x."both" from v_twice x where ref = 1
select entry from mv_directory
select email from parts
select email from parts_1
select up from made
select * from made
select (p).b, (p).a from pairs
select p, list[1], list[1:2] from pairs
select (pairs.p).b from pairs
select row(1, email)::pair from customers
select (row(1, email)::pair).b from customers
select relname, nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
select table_name from information_schema.tables
select datname from pg_database
select o.id from orders o where o.customer_id in (select id from customers where tier = 'pro')
select id from customers c where exists (select from orders o where o.customer_id = c.id)
select id from customers where (tier, country) in (select 'pro', 'DE')
select id from customers order by id limit 3 offset 2
select id from customers order by id fetch first 2 rows with ties
select id from customers for update
select U&"\0065mail" from customers
select/**/email/* x */from/**/customers--
select sum(x.n) from (select count(*) n from customers group by tier) x
select q.total from (select sum(total) as total from orders) as q
select 'x' as email, email as x from customers
select upper(status), length(order_no), md5(order_no), encode(order_no::bytea, 'hex') from orders
select hstore(c) -> 'email' from customers c
select (each(hstore(c))).value from customers c
select digest(email, 'sha256') from customers
select similarity(email, 'x'), soundex(full_name) from customers
select now(), random(), pg_typeof(email), version() from customers
select extract(year from created_at), date_trunc('month', created_at), created_at at time zone 'UTC', overlay(tier placing 'x' from 1), substring(tier from 1 for 2), position('a' in tier), trim(both 'x' from tier) from customers
select id from customers where created_at > now() - interval '1 year'
select orders.id from orders join other.orders o2 on o2.id = orders.id
