// A SOAP service on the `soap` framework: it parses, dispatches and writes by itself, nothing of the hub is involved.
// Usage: node soap-server.mjs WSDL PORT MODULES
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [, , wsdl, port, modules] = process.argv;
const soap = createRequire(`${modules}/`)("soap");

const parcels = {
  RR123456785CN: {
    State: "DELIVERED", Postage: "12.50", PostedOn: "2026-04-08",
    Event: [{ At: "2026-04-08T10:15:30", Place: "星城 & 岳麓" }, { At: "2026-04-09T16:00:00", Place: "长丰" }],
  },
  RR000000019CN: { State: "IN_TRANSIT", Postage: "8.00", PostedOn: "2026-04-10", Event: [{ At: "2026-04-10T09:00:00", Place: "星城" }] },
};

const service = {
  ParcelService: {
    ParcelPort: {
      TrackParcel({ TrackingNumber }, _callback, headers) {
        if (headers?.Security?.UsernameToken?.Username !== "hub" || headers.Security.UsernameToken.Password?.$value !== "parcel-secret") {
          throw { Fault: { faultcode: "soap:Client.Authentication", faultstring: "who are you", statusCode: 500 } };
        }
        const parcel = parcels[TrackingNumber];
        if (!parcel) {
          throw { Fault: { faultcode: "soap:Client.NotFound", faultstring: `no parcel ${TrackingNumber}`, statusCode: 500 } };
        }
        return { Parcel: { TrackingNumber, ...parcel } };
      },
    },
  },
};

const server = createServer((_request, response) => { response.statusCode = 404; response.end(); });
server.listen(Number(port), "127.0.0.1", () => {
  soap.listen(server, "/parcel", service, readFileSync(wsdl, "utf8"));
  console.log("ready");
});
