// Water bills on the `soap` framework, from the WSDL alone: it knows nothing of the hub.
// Usage: node water-server.mjs WSDL PORT MODULES
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [, , wsdl, port, modules] = process.argv;
const soap = createRequire(`${modules}/`)("soap");

const bills = {
  "0081/2026-03": { hh: "0081", xm: "王建国", zdje: "128.50", dqrq: "2026-04-30", fymx: [{ fyxm: "水费", zdje: "100.00" }, { fyxm: "污水处理费", zdje: "28.50" }] },
};
let reports = 0;

const service = {
  S: {
    P: {
      QueryWaterBill({ hh, ssny }) {
        const bill = bills[`${hh}/${ssny}`];
        return { QueryWaterBillResult: bill ? { code: "0", msg: "", data: bill } : { code: "404", msg: "没有这个户号" } };
      },
      ReportRepair({ sjhm, hh, xm, sfzhm }) {
        if (!sjhm || !hh || xm !== "王建国" || !sfzhm) {
          return { ReportRepairResult: { code: "400", msg: "信息不全" } };
        }
        reports += 1;
        return { ReportRepairResult: { code: "0", msg: "", data: { slbh: `BX-${reports}`, bjzt: "1", tjsj: "2026-04-08T10:15:30" } } };
      },
    },
  },
};

const server = createServer((_request, response) => { response.statusCode = 404; response.end(); });
server.listen(Number(port), "127.0.0.1", () => {
  soap.listen(server, "/ws/Water", service, readFileSync(wsdl, "utf8"));
  console.log("ready");
});
