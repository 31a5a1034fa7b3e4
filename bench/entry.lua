-- Calendar entries of series of 100, another one each time.
local number = 0

function request()
   number = number + 1
   local start = 1900000000 + number * 60
   return wrk.format("GET", "/cal/1234567890123456.ics?name=Team&duration=60&repeat=1weekly"
      .. "&count=99&timezone=Europe/Berlin&time=" .. start)
end
