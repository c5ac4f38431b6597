"""Prints what local times mean in every IANA zone, by Python's zoneinfo and the system's tzdata.

For each set of zones with equal files: a line `zone NAME NAME ...`, then for every change of its clocks from 2000 to
2040 `change INSTANT BEFORE AFTER`, and for every local time tried `time LOCAL INSTANT EXACT`. All are whole seconds:
instants since 1970 in UTC, local times since their own 1970, offsets east of UTC. EXACT is 1 when the clock showed the
time once. Ends with `end ZONES TIMES`, so that a matrix cut short cannot pass for a whole one.
"""

import os
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

FOLDER = "/usr/share/zoneinfo"
FIRST, LAST = datetime(2000, 1, 1, tzinfo=timezone.utc), datetime(2041, 1, 1, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1)
STEP = timedelta(days=1)


def zones_by_content(names):
    groups = {}
    for name in sorted(names):
        with open(os.path.join(FOLDER, name), "rb") as file:
            groups.setdefault(file.read(), []).append(name)
    return groups.values()


def offset(zone, instant):
    return instant.astimezone(zone).utcoffset()


def changes(zone):
    """Every change of offset, found by walking in days and halving; instants are the first of the new offset."""
    instant, before = FIRST, offset(zone, FIRST)
    while instant < LAST:
        after = offset(zone, instant + STEP)
        if after != before:
            low, high = int(instant.timestamp()), int((instant + STEP).timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, datetime.fromtimestamp(middle, timezone.utc)) == before:
                    low = middle
                else:
                    high = middle
            yield high, int(before.total_seconds()), int(after.total_seconds())
        instant, before = instant + STEP, after


def print_time(zone, local):
    naive = EPOCH + timedelta(seconds=local)
    first, second = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
    exact = first.utcoffset() == second.utcoffset()
    print("time", local, int(first.timestamp()), 1 if exact else 0)


def main():
    zoneinfo.reset_tzpath([FOLDER])
    names = zoneinfo.available_timezones()
    if len(names) < 400 or not os.path.isfile(os.path.join(FOLDER, "Europe/Berlin")):
        sys.exit(f"{FOLDER} holds no tzdata: {len(names)} zones")
    zones = times = 0
    for group in zones_by_content(names):
        zone = zoneinfo.ZoneInfo(group[0])
        zones += len(group)
        print("zone", *group)
        tried = set()
        for instant, before, after in changes(zone):
            print("change", instant, before, after)
            low, high = instant + min(before, after), instant + max(before, after)
            tried |= {low - 86_400, low - 1, low, low + 1, (low + high) // 2, high - 1, high, high + 1, high + 86_400}
        for year in range(2000, 2041):
            for month, day, second in ((1, 1, 0), (2, 28, 86_399), (2, 29, 45_296), (7, 1, 43_200), (12, 31, 86_399)):
                if month == 2 and day == 29 and year % 4 != 0:
                    continue
                tried.add(int((datetime(year, month, day) - EPOCH).total_seconds()) + second)
        for local in sorted(tried):
            print_time(zone, local)
        times += len(tried)
    print("end", zones, times)


main()
