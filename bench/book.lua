-- A booking, again and again. Argument: a date to book.
function init(arguments)
   local form = {["Content-Type"] = "application/x-www-form-urlencoded"}
   local fields = "name=Team&time=10:00&timezone=Europe/Berlin&duration=60&date=" .. arguments[1]
   booking = wrk.format("POST", "/book", form, fields)
end

function request()
   return booking
end
