-- Sends the requests of a file in turn and prints what was seen as one line of JSON.
-- Arguments: the file (a path and, after a tab, maybe a token on each line), the first line to send.

local requests = {}
local position = 0

function init(args)
   for line in io.lines(args[1]) do
      local path, token = line:match("^([^\t]+)\t?(.*)$")
      local headers = { ["Host"] = wrk.headers["Host"], ["X-Forwarded-Proto"] = "https" }
      if token ~= "" then headers["Authorization"] = "Bearer " .. token end
      requests[#requests + 1] = wrk.format("GET", path, headers)
   end
   position = tonumber(args[2]) or 0
end

function request()
   position = position % #requests + 1
   return requests[position]
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '\nRESULT {"requests": %d, "microseconds": %d, "bytes": %d, "failed": %d, "refused": %d, ' ..
      '"p50": %d, "p95": %d, "p99": %d}\n',
      summary.requests, summary.duration, summary.bytes,
      errors.connect + errors.read + errors.write + errors.timeout, errors.status,
      latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
