"""Small files as the networks export them: their heads, encodings, delimiters, dates, numbers, and lines of sums."""

from typing import Final

GOOGLE: Final = (
    b'Campaign report\n"March 1, 2026 - March 2, 2026"\n'
    b"Campaign,Day,Campaign status,Currency code,Cost,Impr.,Clicks,Conversions\n"
    b'spring,2026-03-01,Enabled,EUR,"1,520.50","7,500",300,12\nbrand,2026-03-01,Enabled,EUR,10.00,100,5,1\n'
    b'spring,2026-03-02,Enabled,EUR,0.83,--,0,0\nTotal: Account, --,,EUR,"1,531.33","7,600",305,13\n'
)
GOOGLE_TSV: Final = (
    "Campaign report\nMarch 1, 2026\nDay\tCampaign\tCampaign ID\tCustomer ID\tCurrency code\tImpr.\tClicks\tCost\n"
    "2026-03-01\tspring\t42\t123-456\tUSD\t7500\t300\t1520.50\n"
).encode("utf-16")
META: Final = (
    '"Campaign name","Ad set name","Reporting starts","Reporting ends","Amount spent (EUR)",'
    '"Impressions","Link clicks"\n'
    '"spring","one","2026-03-01","2026-03-01","12.34","1000","50"\n'
    '"spring","two","2026-03-01","2026-03-01","7.66","500","10"\n'
    '"spring","one","2026-03-01","2026-03-31","99","1","1"\n'
).encode("utf-8-sig")
META_BY_DAY: Final = (
    b"Campaign name,Day,Impressions,Clicks (all),Amount spent (USD),Reporting starts,Reporting ends\n"
    b"spring,2026-03-02,10,3,1.5,2026-03-01,2026-03-31\n"
)
MICROSOFT: Final = (
    '"Report Name: costs"\n"Report Time: 3/1/2026 - 3/2/2026"\n\n'
    '"Gregorian date","Campaign","Currency code","Impressions","Clicks","Spend"\n'
    '"3/1/2026","spring","USD","400","20","8.50"\n"©2026 Microsoft Corporation. All rights reserved. "\n'
).encode()
MICROSOFT_API: Final = (
    b'"TimePeriod","CampaignName","CampaignId","CurrencyCode","Impressions","Clicks","Spend"\r\n'
    b'"2026-03-01","spring","77","GBP","42","2","1.34"\r\n'
)
LINKEDIN: Final = (
    "Campaign Performance Report (in UTC)\nReport Start: March 1, 2026\nDate Generated: March 5, 2026\n\n"
    "Start Date (in UTC)\tAccount Name\tCurrency\tCampaign Name\tCampaign ID\tTotal Spent\tImpressions\tClicks\n"
    "03/01/2026\tShop\tEUR\tspring\t555\t120.00\t8000\t40\n"
).encode("utf-16")
TIKTOK: Final = (
    b"By Day,Campaign name,Cost,Impressions,Clicks (destination),Currency\n"
    b"2026-03-01 00:00:00,spring,20.00,9000,70,EUR\nTotal of 1 results,-,20.00,9000,70,EUR\n"
)
# Saved by a German Excel: semicolons, commas, points between thousands, a row of sums without a name.
META_GERMAN: Final = (
    "\ufeffDay;Campaign name;Amount spent (EUR);Impressions;Link clicks\r\n"
    "2026-03-01;spring;1.234,50;7.500;12\r\n2026-03-01;spring;0,83;10;\r\n;;1.235,33;7.510;12\r\n"
).encode()
MICROSOFT_PAGE: Final = (
    '"Report Name: Campaign"\n"Report Time: 3/1/2026 - 3/2/2026"\n"Time Zone: (GMT+01:00)"\n'
    '"Last Completed Available Day: 3/2/2026 11:50:00 PM (GMT)"\n"Report Aggregation: Daily"\n"Report Filter: "\n'
    '"Potential Incomplete Data: true"\n"Rows: 1"\n\n'
    '"Account name","Gregorian date","Campaign","Currency code","Impressions","Clicks","Spend"\n'
    '"Shop","3/1/2026","spring","USD","1,400","20","$1,008.50"\n"Total","","","","1,400","20","$1,008.50"\n'
    '"©2026 Microsoft Corporation. All rights reserved. "\n'
).encode()
