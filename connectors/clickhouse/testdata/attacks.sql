-- Statements that try to learn customers.email, which is masked. One a line. Against the
-- real server: no value of the column is in any answer, error or record.
select lower(email) from customers
select toString(email) from customers
select cast(email as String) from customers
select cast(email, 'String') from customers
select email || '' from customers
select concat(email, '') from customers
select substring(email, 1, 9) from customers
select reverse(email) from customers
select hex(email), reinterpretAsUInt64(email) from customers
select min(email), max(email), any(email), anyLast(email) from customers
select groupArray(email) from customers
select groupUniqArray(3)(email) from customers
select topK(10)(email) from customers
select argMax(email, id) from customers
select arrayStringConcat(groupArray(email), ',') from customers
select [email] from customers
select (email, 1) from customers
select tuple(email).1 from customers
select array(email)[1] from customers
select tuple(*) from customers
select [email][1] from customers
select email as id, id from customers
select id as email, email as id from customers
select email as name, name as note from customers
select name as email, * from customers
select email as name, c.name from customers as c
select email as name, customers.name from customers
select email as id, c.id from customers as c
select email as name, upper(c.name) from customers as c
select email as name from customers as c where c.name like 'person17%'
select email as `d.x`, d.x from d_customers as d
select email as `d.x`, d_customers.d.x from d_customers
select (email as e) from customers
select (email as e), e from customers
select e, (email as e) from customers
select id, (select email from customers where id = 17) from counters
select lower(email as e) as l, e from customers
with email as x select x from customers
with (select email from customers where id = 17) as x select x
with lower(email) as x select x from customers
with c as (select email from customers) select email from c
select x from (select email as x from customers)
select email from (select * from customers)
select * from (select email as name from customers)
select name from (select email as name from customers)
select email from customers union all select ''
select '' as email union all select email from customers
select e from scratch union all select email from customers
select arrayJoin([email]) from customers
select e from customers array join [email] as e
select e from customers left array join [email, name] as e
select arrayMap(x -> x, [email]) from customers
select arrayMap(x -> email, [1]) from customers
select arrayFilter(x -> x like 'person17%', groupArray(email)) from customers
select * from v_customers
select mail from v_customers
select * from m_customers
select * from `.inner.m_customers`
select mail from `.inner.m_customers`
select * from merge(currentDatabase(), 'customers')
select email from merge('test', '^cust')
select * from mrg
select * from buf
select email from buf
select * from remote('127.0.0.1', currentDatabase(), customers)
select dictGetString('d', 'email', toUInt64(17))
select joinGet('j_customers', 'email', 17)
select joinGet(concat(currentDatabase(), '.j_customers'), 'email', toUInt32(17))
select id from customers where email = 'person17@secret.example'
select id from customers where email like 'person17%'
select count() from customers where email like 'person17%'
select id from customers prewhere email like 'person17%'
select id from customers where position(email, 'person17') > 0
select id from customers where substring(email, 1, 8) = 'person17'
select id from customers where (email as e) like 'person17%'
select id, email as e from customers where e like 'person17%'
select id from customers order by email
select id from customers order by email = 'person17@secret.example' desc limit 1
select id from customers order by lower(email)
select email from customers order by 1
select count() from customers group by email
select email from customers group by email
select email, count() from customers group by email having count() > 0
select count() from customers group by id having any(email) like 'person17%'
select distinct email from customers
select distinct substring(email, 1, 8) from customers
select id from customers limit 1 by email
select id, email from customers limit 1 by email
select uniq(email), uniqExact(email), count(distinct email) from customers
select id from counters where n in (select length(email) from customers)
select id from customers where (id, email) in ((17, 'person17@secret.example'))
select id from counters where 'person17@secret.example' in (select email from customers)
select 'person17@secret.example' in (select email from customers)
select 'person17@secret.example' in s_customers
select 'person17@secret.example' in (s_customers)
select in('person17@secret.example', s_customers)
select globalIn('person17@secret.example', s_customers)
select id from counters any left join customers using (id) where email like 'person17%'
select email from counters any left join customers using (id)
select c.email, lower(c.email) from counters k any inner join (select id, email from customers) c using (id)
select id from customers any inner join (select email as e, 1 as z from customers) using (e)
select x.* from customers as x
select customers.* from customers
select c.email as ok from customers as c
select customers.email from customers
select toUInt64(email) from customers
select toDate(email) from customers where id = 17
select toUInt32(concat('x', email)) from customers where id = 17
select cast(email as UInt8) from customers where id = 17
select CAST(email AS Enum8('a' = 1)) from customers where id = 17
select throwIf(email like 'person17%', 'found') from customers
select throwIf(1, email) from customers where id = 17
select intDiv(1, email = 'x') from customers
select if(email like 'person17%', sleep(1), 0) from customers
select transform(email, ['person17@secret.example'], ['found'], 'no') from customers
select multiIf(email = 'a', 1, email like 'person17%', 2, 3) from customers
select case when email like 'person17%' then 'found' else 'no' end from customers
select case email when 'person17@secret.example' then 'found' else 'no' end from customers
select email = 'person17@secret.example' from customers
select match(email, '^person17') from customers
select extract(email, '^(.*)@') from customers
select extractAll(email, '.')  from customers
select cityHash64(email), MD5(email) from customers
select dumpColumnStructure(email), toColumnTypeName(email) from customers
select visibleWidth(email), length(email), bar(length(email), 0, 100, 10) from customers
select runningDifference(length(email)) from customers
select arrayReduce('max', groupArray(email)) from customers
select finalizeAggregation(anyState(email)) from customers
select maxIf(email, id = 17) from customers
select anyMerge(s) from (select anyState(email) as s from customers)
select replaceRegexpAll(email, '(.)', '\\1 ') from customers
select id from customers where email in ('person17@secret.example')
select id from customers where not email not like 'person17%'
select id from customers where exists (select 1)
select email from customers with totals
select any(email) from customers group by id with totals
select email from customers into outfile '/tmp/x'
select email from customers format CSV
select email from customers settings extremes = 1
select * from customers limit 1 settings max_threads = 1
select email as `e``x` from customers
select "email" from "customers"
select `email` as "name" from customers
select /* x */ lower/**/(email) from customers
select lower -- x
(email) from customers
select top(1) email from customers
select top 1 email from customers
select * except (id) from customers
select * replace (email as name) from customers
select * apply (lower) from customers
select columns('mail') from customers
select columns('.*') apply (x -> x) from customers
select email::String from customers
select email.size0 from customers
select customers.email.null from customers
select id ? email : '' from customers
select untuple((email, 1)) from customers
select sum(1) over (order by email) from customers
select first_value(email) over () from customers
select id from customers qualify row_number() over (order by email) = 1
from customers select email as name
explain select * from customers where email = 'person17@secret.example'
explain estimate select email from customers
describe (select email from customers)
create table copied engine = Memory as select email as e from customers
create table copied as customers
create view w as select email as e from customers
create materialized view w2 engine = Memory populate as select email as e from customers
create table b2 as customers engine = Buffer(currentDatabase(), customers, 1, 1, 1, 1, 1, 1, 1)
create table m2 (email String) engine = Merge(currentDatabase(), '^customers$')
create dictionary d2 (id UInt64, email String) primary key id source(clickhouse(table 'customers')) layout(flat()) lifetime(1)
create function f2 as x -> x
insert into scratch select email from customers
insert into scratch (e) select lower(email) from customers
insert into scratch select e from (select email as e from customers)
insert into scratch values ((select email from customers where id = 17))
insert into scratch select mail from v_customers
insert into function url('http://127.0.0.1:1/', CSV, 'e String') select email from customers
insert into customers (id, name, email, note) select id, email, email, email from customers where id = 17
alter table customers update note = email where id = 17
alter table customers delete where email like 'person17%'
alter table customers rename column email to mail
alter table customers modify column note String default email
alter table customers add column leak String default email
alter table customers add column leak2 String materialized email
alter table customers add column leak3 String alias email
alter table scratch attach partition tuple() from customers
rename table customers to customers2
exchange tables customers and scratch
select leak from customers
select leak2 from customers
select leak3 from customers
select note from customers where id = 17
select e from scratch
select shout from customers where id = 17
select copy from customers where id = 17
select * from customers2
select e from copied
select query from system.query_log
select query from system.processes
show processlist
select * from system.parts_columns where table = 'customers'
select * from system.mutations
select partition from system.parts where table = 'customers'
select * from numbers(1) where 'person17@secret.example' in (select email from customers)
select 1 in (select 1 from customers where email like 'person17%')
select * from url('http://127.0.0.1:1/', CSV, 'a String')
select * from file('../metadata/x.sql', CSV, 'a String')
select * from customers sample 1
select id from customers where id = (select max(id) from customers where email like 'person17%')
select name from customers where name = email
select a.name from customers a any inner join customers b using (email)
select id from customers, counters where customers.email like 'person17%'
select * from customers, counters
select customers.email, counters.n from customers any left join counters using (id)
select id from customers having email like 'person17%'
select indexHint(email = 'x') from customers
select ignore(email) from customers
select evalMLMethod(email) from customers
select currentUser(), (select any(email) from customers)
select name from by_mail
select name from by_mail limit 1
select name, rowNumberInAllBlocks() as n from by_mail order by name
select name from by_mail order by rowNumberInAllBlocks() + 0 * length(name)
select any(name) as a from by_mail order by a
select anyIf(name, 1) as a from by_mail order by a
select groupArray(name) as a from by_mail order by a
select argMin(name, 1) as a from by_mail order by a
select name, runningDifference(id) from by_mail order by name
select ANY(name) as a from by_mail order by a
select name from by_mail order by 1
select name from by_mail where id > 3 limit 5
