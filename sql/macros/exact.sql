/*
Exact arithmetic for models. `/` and avg() on decimals give a binary float in DuckDB, so models divide
whole numbers (HUGEINT) and state how they round. Built for tables only: a stored view must not use these.
Division by zero gives null: DuckDB 1 returns null, DuckDB 2 raises.
*/

-- a decimal in units of 1e-12, the smallest step of an inverse, of a mean and of a rate's interval: its digits without
-- the point, which is twice as fast as a division by DuckDB
create or replace temp macro picos(value) as replace(value::decimal(38, 12)::varchar, '.', '')::hugeint;

-- nearest whole number, a half away from zero; denominator > 0
create or replace temp macro divide_half_up(numerator, denominator) as
    sign(numerator)::hugeint * ((2 * abs(numerator) + denominator) // nullif(2 * denominator, 0));

-- bounds of an interval: numerator >= 0, denominator > 0
create or replace temp macro divide_down(numerator, denominator) as
    numerator // nullif(denominator, 0);
create or replace temp macro divide_up(numerator, denominator) as
    (numerator + denominator - 1) // nullif(denominator, 0);

-- 10 to the power of a whole number from 0 to 12; `10 ** n` is a binary float
create or replace temp macro power_of_ten(n) as ('1' || repeat('0', n))::hugeint;

-- whole units back to a decimal of 12 and of 4 places
create or replace temp macro decimal_12(units) as (units::decimal(26, 0) * 0.000000000001)::decimal(28, 12);
create or replace temp macro decimal_4(units) as (units::decimal(28, 0) * 0.0001)::decimal(28, 4);

-- 1 / value to 12 places, for the value itself and for the lower and the upper end of an interval
create or replace temp macro inverse(value) as
    decimal_12(divide_half_up(1000000000000000000000000::hugeint, picos(value)));
create or replace temp macro inverse_down(value) as
    decimal_12(divide_down(1000000000000000000000000::hugeint, picos(value)));
create or replace temp macro inverse_up(value) as
    decimal_12(divide_up(1000000000000000000000000::hugeint, picos(value)));

-- (value / before - 1) * 100 to 4 places, and the ends of its interval: a percent is 10,000 units
create or replace temp macro change(value, before) as
    decimal_4(divide_half_up((picos(value) - picos(before)) * 1000000, picos(before)));
create or replace temp macro change_down(value, before) as
    decimal_4(divide_down(picos(value) * 1000000, picos(before)) - 1000000);
create or replace temp macro change_up(value, before) as
    decimal_4(divide_up(picos(value) * 1000000, picos(before)) - 1000000);

-- the mean of a sum over n values to 12 places, and the ends of its interval; the sum has at most 12 places
create or replace temp macro mean(total, n) as decimal_12(divide_half_up(picos(total), n::hugeint));
create or replace temp macro mean_down(total, n) as decimal_12(divide_down(picos(total), n::hugeint));
create or replace temp macro mean_up(total, n) as decimal_12(divide_up(picos(total), n::hugeint));
