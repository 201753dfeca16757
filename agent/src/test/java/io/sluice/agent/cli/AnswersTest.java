// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.sluice.agent.cli.Terminal.Said;
import io.sluice.agent.dump.FlowRow;
import io.sluice.agent.dump.Rows.MaglevNode;
import io.sluice.agent.dump.Rows.Nat;
import io.sluice.agent.dump.ServiceRow;
import io.sluice.agent.dump.ServiceRow.BackendRow;
import io.sluice.agent.dump.ServiceRow.FrontendRow;
import io.sluice.agent.explain.Explanation;
import io.sluice.agent.explain.Explanation.Candidate;
import io.sluice.agent.explain.Explanation.Step;
import io.sluice.cluster.management.SluiceRoutes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What commands make of an agent's answers. */
class AnswersTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private HttpServer server;
  private String address;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
    address = "127.0.0.1:" + server.getAddress().getPort();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(String path, int status, Object body, Map<String, String> headers) {
    server.createContext(
        path,
        exchange -> {
          byte[] bytes = JSON.writeValueAsBytes(body);
          headers.forEach(exchange.getResponseHeaders()::add);
          exchange.sendResponseHeaders(status, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
  }

  private Said dump(String table, String format) {
    return Terminal.run("dump", table, "-o", format, "--address", address);
  }

  @Test
  void flowsAreColumnsOfWhichNoneIsEmpty() {
    FlowRow translated =
        new FlowRow(
            "tcp",
            "10.1.0.2:40000",
            "10.96.0.10:80",
            "10.1.0.3:8080",
            "default/web:80",
            "192.168.102.2",
            "established",
            185,
            0.25,
            List.of("nat", "hairpin"));
    FlowRow plain =
        new FlowRow("udp", "[fd00::2]:9", "", "[fd00::3]:53", "", "", "active", 3, 3, List.of());
    answer("/api/v1/dump/conntrack", 200, List.of(translated, plain), Map.of());

    String[] lines = dump("conntrack", "table").out().split("\n");
    assertThat(lines[0].split(" +"))
        .containsExactly(
            "PROTOCOL",
            "CLIENT",
            "FRONTEND",
            "BACKEND",
            "SERVICE",
            "NODE",
            "STATE",
            "AGE",
            "IDLE",
            "FLAGS");
    assertThat(lines[1].split(" +"))
        .containsExactly(
            "tcp",
            "10.1.0.2:40000",
            "10.96.0.10:80",
            "10.1.0.3:8080",
            "default/web:80",
            "192.168.102.2",
            "established",
            "3m5s",
            "0.3s",
            "nat,hairpin");
    assertThat(lines[2].split(" +"))
        .containsExactly(
            "udp", "[fd00::2]:9", "-", "[fd00::3]:53", "-", "-", "active", "3.0s", "3.0s", "-");
  }

  @Test
  void numbersThatOnlyMapsKnowAreForTheWideTableAndJson() throws IOException {
    Nat row =
        new Nat(
            "tcp",
            "10.96.0.10:80",
            "cluster_ip",
            List.of(),
            "d/w:80",
            7,
            "10.1.0.3:1",
            4,
            "live",
            1,
            0,
            true);
    answer("/api/v1/dump/nat", 200, List.of(row), Map.of());

    assertThat(dump("nat", "table").out()).doesNotContain("SERVICE-ID").contains("cluster_ip");
    assertThat(dump("nat", "wide").out()).contains("SERVICE-ID", "BACKEND-ID");
    assertThat(JSON.readTree(dump("nat", "json").out()).get(0).get("serviceId").asInt())
        .isEqualTo(7);
  }

  private static MaglevNode node(String service, String node, long generation, String state) {
    return new MaglevNode(service, "tcp", 4, node, generation, 7, "abcd", state);
  }

  @Test
  void nodesThatRunTheSameAreSaidSoWithZeroAndOthersWithOne() {
    answer(
        "/api/v1/dump/maglev-nodes",
        200,
        List.of(
            node("d/web:80", "n1", 7, "current"),
            node("d/web:80", "n2", 7, "current"),
            node("d/zoo:80", "n1", 7, "current"),
            node("d/zoo:80", "n2", 6, "behind")),
        Map.of());
    Said same = Terminal.run("dump", "maglev", "d/web", "--diff", "--address", address);
    assertThat(same.out()).contains("n1", "n2").doesNotContain("zoo").hasLineCount(3);
    assertThat(same.code()).isZero();
    Said all = Terminal.run("dump", "maglev", "--diff", "--address", address);
    assertThat(all.out()).contains("behind").hasLineCount(5);
    assertThat(all.code()).isEqualTo(1);
  }

  @Test
  void aServiceAndADifferenceAreForMaglevAlone() {
    assertThat(Terminal.run("dump", "nat", "--diff", "--address", address).code()).isEqualTo(2);
    assertThat(Terminal.run("dump", "nat", "d/web", "--address", address).err())
        .contains("with the tables maglev");
  }

  @Test
  void rowsThatAreNotShownAreToldOf() {
    answer("/api/v1/dump/routes", 200, List.of(), Map.of(SluiceRoutes.OMITTED, "41"));
    Said said = dump("routes", "table");
    assertThat(said.out()).contains("(routes is empty)");
    assertThat(said.err()).contains("41 more rows of routes are not shown");
    assertThat(said.code()).isZero();
  }

  @Test
  void aFailureOfTheAgentIsOneLine() {
    answer("/api/v1/dump/nat", 500, Map.of("reasons", List.of("map is gone")), Map.of());
    Said said = dump("nat", "table");
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).isEqualTo("sluice: the agent failed: map is gone\n");
  }

  @Test
  void somethingElseOnThePortIsNotTakenForAnAgent() {
    answer("/", 404, Map.of(), Map.of());
    assertThat(dump("nat", "table").err()).contains("is not known to the agent").hasLineCount(1);
  }

  @Test
  void statusTellsWhyANodeIsNotReadyAndExitsWithOne() {
    Map<String, Object> status =
        Map.of(
            "ready", false,
            "reasons", List.of("service default/web is not applied: map is full"),
            "source", Map.of("type", "file"));
    answer("/api/v1/status", 200, status, Map.of());
    Said said = Terminal.run("status", "--address", address);
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.out())
        .contains("  service default/web is not applied: map is full", "source: type file");
  }

  @Test
  void membersOfTheClusterAreATable() {
    answer(
        "/api/v1/status",
        200,
        Map.of(
            "ready",
            true,
            "members",
            List.of(
                Map.of(
                    "node",
                    "n1",
                    "address",
                    "10.0.0.1:25520",
                    "status",
                    "Up",
                    "reachable",
                    true,
                    "self",
                    true,
                    "oldest",
                    true,
                    "version",
                    "1.2",
                    "sinceSeconds",
                    3700),
                Map.of(
                    "node",
                    "n2",
                    "address",
                    "10.0.0.2:25520",
                    "status",
                    "Up",
                    "reachable",
                    false,
                    "self",
                    false,
                    "oldest",
                    false,
                    "version",
                    "1.1",
                    "sinceSeconds",
                    3))),
        Map.of());

    Said said = Terminal.run("status", "--address", address);
    assertThat(said.code()).isZero();
    assertThat(said.out().lines().map(line -> line.replaceAll("  +", "  ").stripTrailing()))
        .containsSequence(
            "members: 2",
            "  NODE  ADDRESS  STATUS  SINCE  VERSION",
            "* n1  10.0.0.1:25520  Up, oldest  1h1m  1.2",
            "  n2  10.0.0.2:25520  Up, unreachable  3.0s  1.1");
  }

  @Test
  void aServiceIsShownWithFrontendsAlgorithmAndBackends() {
    ServiceRow web =
        new ServiceRow(
            "default/web:80",
            7,
            "tcp",
            4,
            List.of(
                new FrontendRow("10.96.0.10:80", "cluster_ip", List.of()),
                new FrontendRow("0.0.0.0:30080", "node_port", List.of("local"))),
            "maglev",
            "ClientIP 3h",
            10_800,
            2,
            1,
            List.of(
                new BackendRow("10.1.0.3:8080", 1, "ready", "n1", true, 1, 1, 12),
                new BackendRow("10.1.1.3:8080", 2, "terminating", "n2", false, 1, 0, 0)));
    ServiceRow none =
        new ServiceRow("shop/web:80", 8, "udp", 6, List.of(), "random", "", 0, 0, 0, List.of());
    answer("/api/v1/dump/services", 200, List.of(web, none), Map.of());

    String table = Terminal.run("svc", "--address", address).out();
    assertThat(table.lines().map(line -> line.strip().replaceAll(" +", " ")))
        .containsExactly(
            "default/web:80 tcp IPv4",
            "frontends 10.96.0.10:80 (cluster_ip)",
            "0.0.0.0:30080 (node_port, local)",
            "algorithm affinity ClientIP 3h, then maglev for clients outside, but by node ports;"
                + " else random",
            "BACKEND STATE NODE CLUSTER LOCAL HITS",
            "10.1.0.3:8080 ready n1 (this node) 1 1 12",
            "10.1.1.3:8080 terminating n2 1 0 0");
    assertThat(Terminal.run("svc", "web", "-n", "shop", "--address", address).out())
        .contains("shop/web:80 udp IPv6", "none: connections are refused")
        .doesNotContain("default/");
    assertThat(Terminal.run("svc", "-A", "-o", "json", "--address", address).out())
        .contains("default/web:80", "shop/web:80", "\"hits\" : 12");
    assertThat(Terminal.run("svc", "we", "--address", address).code()).isEqualTo(1);
    assertThat(Terminal.run("svc", "web", "-A", "--address", address).code()).isEqualTo(2);
  }

  @Test
  void anExplanationIsStepsAVerdictAndWhereItMayGo() {
    Explanation told =
        new Explanation(
            "tcp from 203.0.113.7 to 198.51.100.1:80",
            Explanation.Verdict.DEPENDS,
            "no_tunnel_route",
            "198.51.100.1:80",
            "default/web:80",
            "random",
            List.of(
                new Candidate("10.1.0.3:8080", 50, "", "redirected", "out", 0, ""),
                new Candidate(
                    "10.1.1.3:8080", 50, "n2", "by the tunnel", "", 1450, "no_tunnel_route")),
            List.of(new Step("enters", "from outside")));
    answer("/api/v1/explain", 200, told, Map.of());

    Said said =
        Terminal.run("explain", "203.0.113.7", "198.51.100.1", "tcp", "80", "--address", address);
    assertThat(said.out().lines().map(line -> line.strip().replaceAll(" +", " ")))
        .containsExactly(
            "tcp from 203.0.113.7 to 198.51.100.1:80",
            "enters from outside",
            "depends: no_tunnel_route",
            "TO SHARE NODE MTU PATH ANSWERS",
            "10.1.0.3:8080 50.0% - - redirected out",
            "10.1.1.3:8080 50.0% n2 1450 by the tunnel: dropped, no_tunnel_route -");
    assertThat(said.code()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "explain 10.0.0.1 10.0.0.2 tcp, tcp has ports: which one?",
    "explain default/web 10.0.0.2 shoes 80, shoes is not a protocol",
    "explain 10.0.0.1 fd00::1 tcp 80, not of one family",
  })
  void aQuestionThatIsNoneIsWrongUsage(String args, String reason) {
    Said said = Terminal.run((args + " --address " + address).split(" "));
    assertThat(said.code()).isEqualTo(2);
    assertThat(said.err()).contains(reason).hasLineCount(1);
  }

  @Test
  void aNameThatTheAgentDoesNotKnowIsItsRefusal() {
    answer(
        "/api/v1/explain",
        400,
        Map.of("status", "error", "reasons", List.of("there is no pod a/b")),
        Map.of());
    Said said = Terminal.run("explain", "a/b", "10.0.0.2", "tcp", "80", "--address", address);
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("the agent refused: there is no pod a/b").hasLineCount(1);
  }
}
