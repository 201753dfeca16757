// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.services.ServiceRulesRig.Stack;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.Service;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Where a service is reached, and by which rules. */
@Tag("INV-SVC-10")
class ServiceRulesTest {
  private static final String LB =
      """
      type: LoadBalancer
      externalIPs: [EXTERNAL]
      ports:
      - {port: 80, nodePort: 30080}
      """;

  private static final String INGRESS =
      "[{ip: INGRESS}, {ip: PROXIED, ipMode: Proxy}, {hostname: lb.example}]";

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  @Tag("INV-SVC-7")
  void everyWayIntoALoadBalancedService(Stack stack) {
    ServiceRulesRig rig = new ServiceRulesRig(stack).spec(LB).ingress(INGRESS);
    assertThat(rig.frontends())
        .isEqualTo(
            Map.of(
                stack.of("CLUSTER") + ":80/6", "CLUSTER_IP",
                stack.of("EXTERNAL") + ":80/6", "EXTERNAL_IP",
                stack.of("INGRESS") + ":80/6", "LOAD_BALANCER",
                stack.of("ANY") + ":30080/6", "NODE_PORT"));
    assertThat(rig.notices()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void trafficPoliciesAreOfTheirFrontends(Stack stack) {
    ServiceRulesRig outside =
        new ServiceRulesRig(stack).spec(LB + "externalTrafficPolicy: Local\n").ingress(INGRESS);
    assertThat(outside.frontends())
        .isEqualTo(
            Map.of(
                stack.of("CLUSTER") + ":80/6", "CLUSTER_IP",
                stack.of("EXTERNAL") + ":80/6", "EXTERNAL_IP LOCAL",
                stack.of("INGRESS") + ":80/6", "LOAD_BALANCER LOCAL",
                stack.of("ANY") + ":30080/6", "NODE_PORT LOCAL"));
    ServiceRulesRig inside =
        new ServiceRulesRig(stack).spec(LB + "internalTrafficPolicy: Local\n").ingress(INGRESS);
    assertThat(inside.frontends())
        .containsEntry(stack.of("CLUSTER") + ":80/6", "CLUSTER_IP LOCAL")
        .containsEntry(stack.of("ANY") + ":30080/6", "NODE_PORT");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void sourceRangesAreOfTheLoadBalancersAddresses(Stack stack) {
    ServiceRulesRig rig =
        new ServiceRulesRig(stack)
            .spec(LB + "loadBalancerSourceRanges: [192.0.2.0/24, \"2001:db8::/32\"]\n")
            .ingress(INGRESS);
    assertThat(rig.frontends())
        .containsEntry(stack.of("INGRESS") + ":80/6", "LOAD_BALANCER SOURCE_RANGES")
        .containsEntry(stack.of("EXTERNAL") + ":80/6", "EXTERNAL_IP")
        .containsEntry(stack.of("ANY") + ":30080/6", "NODE_PORT");
    String own = stack == Stack.IPV4 ? "192.0.2.0/24" : "2001:db8::/32";
    assertThat(rig.only().sourceRanges()).containsExactly(Cidr.parse(own));
  }

  /** Ranges of one family say that nobody of the other may come. */
  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void sourceRangesOfTheOtherFamilyShutThisOneOut(Stack stack) {
    String other = stack == Stack.IPV4 ? "2001:db8::/32" : "192.0.2.0/24";
    ServiceRulesRig rig =
        new ServiceRulesRig(stack)
            .spec(LB + "loadBalancerSourceRanges: [\"" + other + "\"]\n")
            .ingress(INGRESS);
    assertThat(rig.frontends())
        .containsEntry(stack.of("INGRESS") + ":80/6", "LOAD_BALANCER SOURCE_RANGES");
    assertThat(rig.only().sourceRanges()).isEmpty();
    assertThat(rig.notices())
        .singleElement()
        .asString()
        .startsWith("loadBalancerSourceRanges has no IPv" + stack.number + " network");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void anAddressThatIsExternalAndTheBalancersHasTheFlagsOfBoth(Stack stack) {
    ServiceRulesRig rig =
        new ServiceRulesRig(stack)
            .spec(LB + "loadBalancerSourceRanges: [192.0.2.0/24, \"2001:db8::/32\"]\n")
            .ingress("[{ip: EXTERNAL}]");
    assertThat(rig.frontends())
        .containsEntry(stack.of("EXTERNAL") + ":80/6", "EXTERNAL_IP LOAD_BALANCER SOURCE_RANGES");
  }

  @Test
  void typesFlip() {
    String ports = "ports: [{port: 80, nodePort: 30080}]\n";
    ServiceRulesRig nodePort = new ServiceRulesRig(Stack.IPV4).spec("type: NodePort\n" + ports);
    assertThat(nodePort.frontends()).containsKeys("10.96.0.10:80/6", "0.0.0.0:30080/6");
    ServiceRulesRig clusterIp = new ServiceRulesRig(Stack.IPV4).spec("ports: [{port: 80}]\n");
    // What the balancer's controller has not taken back yet counts for nothing.
    clusterIp.ingress("[{ip: INGRESS}]");
    assertThat(clusterIp.frontends()).containsOnlyKeys("10.96.0.10:80/6");
    for (String none :
        new String[] {
          "type: ExternalName\nexternalName: example.com\nports: [{port: 80}]\n",
          "externalIPs: [192.0.2.1]\nports: [{port: 80}]\n"
        }) {
      ServiceRulesRig rig = new ServiceRulesRig(Stack.NONE).spec(none);
      assertThat(rig.computed().services()).as(none).isEmpty();
      assertThat(rig.service().frontends()).as(none).isEmpty();
      assertThat(rig.notices()).as(none).isEmpty();
    }
  }

  @Test
  void aServiceOfAnotherProxyIsLeftToIt() {
    ServiceRulesRig rig =
        new ServiceRulesRig(Stack.IPV4)
            .labels("{service.kubernetes.io/service-proxy-name: other}")
            .spec("ports: [{port: 80}]\n");
    assertThat(rig.computed().services()).isEmpty();
    assertThat(rig.service().frontends()).isEmpty();
    assertThat(rig.notices())
        .containsExactly("is left to another proxy: it has the label " + Service.PROXY_LABEL);
  }

  @Test
  void bothFamiliesAndSeveralPortsAndProtocols() {
    ServiceRulesRig rig =
        new ServiceRulesRig(Stack.DUAL)
            .spec(
                """
                type: NodePort
                ports:
                - {name: dns, port: 53, protocol: UDP, nodePort: 30053}
                - {name: dns-tcp, port: 53, protocol: TCP, nodePort: 30053}
                """)
            .slice("IPv4", "[{name: dns, port: 1053, protocol: UDP}]", "{addresses: [10.244.0.1]}")
            .slice("IPv4", "[{name: dns-tcp, port: 2053}]", "{addresses: [10.244.0.2]}")
            .slice(
                "IPv6",
                "[{name: dns, port: 1053, protocol: UDP}, {name: dns-tcp, port: 1053}]",
                "{addresses: [\"fd00::1\"]}");
    assertThat(rig.computed().services()).hasSize(4);
    assertThat(rig.backends("default/web/53/UDP/4")).isEqualTo("10.244.0.1:1053");
    assertThat(rig.backends("default/web/53/TCP/4")).isEqualTo("10.244.0.2:2053");
    assertThat(rig.backends("default/web/53/UDP/6")).isEqualTo("fd00::1:1053");
    assertThat(rig.backends("default/web/53/TCP/6")).isEqualTo("fd00::1:1053");
    assertThat(rig.frontends())
        .containsKeys(
            "0.0.0.0:30053/17", "0.0.0.0:30053/6", ":::30053/17", ":::30053/6", "10.96.0.10:53/17");
  }

  @Test
  void anAddressOfAFamilyThatTheServiceHasNotIsNotServed() {
    ServiceRulesRig rig =
        new ServiceRulesRig(Stack.IPV4)
            .spec("externalIPs: [192.0.2.1, \"2001:db8::1\"]\nports: [{port: 80}]\n");
    assertThat(rig.frontends()).containsOnlyKeys("10.96.0.10:80/6", "192.0.2.1:80/6");
    assertThat(rig.notices())
        .containsExactly("2001:db8::1 is not served: the service has no cluster IP that is IPv6");
    assertThat(rig.service().frontends()).hasSize(2);
  }

  @Test
  void whatAnOlderServiceHasIsLeftOutAndTold() {
    ServiceRulesRig rig =
        new ServiceRulesRig(Stack.IPV4)
            .spec(LB)
            .ingress("[{ip: INGRESS}]")
            .taken(Set.of(new Frontend(IpAddress.parse("0.0.0.0"), 30080, Protocol.TCP)));
    assertThat(rig.frontends()).hasSize(3).doesNotContainKey("0.0.0.0:30080/6");
    assertThat(rig.notices()).containsExactly("0.0.0.0:30080/TCP is an older service's");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  @Tag("INV-SVC-4")
  void affinityIsByClientForAsLongAsTheServiceSays(Stack stack) {
    String ports = "ports: [{port: 80}]\n";
    assertThat(new ServiceRulesRig(stack).spec(ports).only().affinitySeconds()).isZero();
    String clientIp = ports + "sessionAffinity: ClientIP\n";
    assertThat(new ServiceRulesRig(stack).spec(clientIp).only().affinitySeconds()).isEqualTo(10800);
    String ten = clientIp + "sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}\n";
    assertThat(new ServiceRulesRig(stack).spec(ten).only().affinitySeconds()).isEqualTo(10);
  }

  @Test
  void maglevIsForAddressesAndNotForNodePorts() {
    String nodePort = "type: NodePort\nports: [{port: 80, nodePort: 30080}]\n";
    assertThat(new ServiceRulesRig(Stack.IPV4).maglev().spec(nodePort).notices())
        .containsExactly("Maglev is not for node ports: they choose backends at random");
    ServiceRulesRig balanced =
        new ServiceRulesRig(Stack.IPV4).maglev().spec(LB).ingress("[{ip: INGRESS}]");
    assertThat(balanced.notices()).isEmpty();
    assertThat(balanced.only().maglev()).isPresent();
    ServiceRulesRig local =
        new ServiceRulesRig(Stack.IPV4).maglev().spec(LB + "externalTrafficPolicy: Local\n");
    assertThat(local.notices())
        .singleElement()
        .asString()
        .startsWith("Maglev is not for externalTrafficPolicy Local");
    assertThat(new ServiceRulesRig(Stack.IPV4).spec(nodePort).only().maglev())
        .isEqualTo(Optional.empty());
  }

  @Test
  @Tag("INV-SVC-6")
  void theApiServersOwnServiceKeepsItsLastBackend() {
    String ports = "ports: [{port: 443}]\n";
    assertThat(new ServiceRulesRig(Stack.IPV4).spec(ports).only().keepsLast()).isFalse();
    assertThat(new ServiceRulesRig(Stack.IPV4).name("kubernetes").spec(ports).only().keepsLast())
        .isTrue();
  }
}
