-- Asks for many addresses, one after the other. Arguments: how they begin, and a file of their ends.
local requests = {}
local number = 0

function init(arguments)
   for line in io.lines(arguments[2]) do
      requests[#requests + 1] = wrk.format("GET", arguments[1] .. line)
   end
end

function request()
   number = number % #requests + 1
   return requests[number]
end
