-- What visitors do, one after the other. Arguments: invitation, admin number, a date to book.
local form = {["Content-Type"] = "application/x-www-form-urlencoded"}
local number = 0

function init(arguments)
   local iid, aid = arguments[1], arguments[2]
   booking = "name=Team&time=10:00&timezone=Europe/Berlin&duration=60&date=" .. arguments[3]
   visits = {
      {"GET", "/"},
      {"GET", "/i/" .. iid},
      {"GET", "/i/" .. iid .. "/enter"},
      {"GET", "/i/1234567890123456"},
      {"GET", "/admin/" .. iid .. "/" .. aid},
      {"GET", "/cal/" .. iid .. ".ics?name=Team&time=1900000000&duration=60&timezone=Europe/Berlin&repeat=1weekly&count=9"},
      {"GET", "/api/v1/conferences/" .. iid},
      {"GET", "/static/planado.css"},
      {"GET", "/nowhere"},
      {"POST", "/book"},
   }
end

function request()
   number = number % #visits + 1
   local method, path = visits[number][1], visits[number][2]
   if method == "POST" then
      return wrk.format(method, path, form, booking)
   end
   return wrk.format(method, path)
end
