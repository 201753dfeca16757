// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * v1 Service. Absent texts are empty.
 *
 * @param clusterIps empty: headless, or an ExternalName
 * @param ipFamilies as given; else the families of the cluster IPs
 * @param ports unique by name and by port and protocol
 * @param loadBalancerSourceRanges who may use the load balancer's addresses; empty: anybody
 * @param allocateLoadBalancerNodePorts whether a LoadBalancer has node ports
 * @param affinityTimeout how long a client keeps its backend; only with affinity by client IP
 * @param healthCheckNodePort 0: none
 * @param trafficDistribution PreferClose and the like; empty: none
 * @param ingress what the load balancer has set up
 * @param maglev backends are chosen by a table that all nodes share; else at random
 * @param weights how often a backend is chosen, by table and at random alike
 */
public record Service(
    ObjectMeta meta,
    Type type,
    List<IpAddress> clusterIps,
    List<IpFamily> ipFamilies,
    IpFamilyPolicy ipFamilyPolicy,
    List<ServicePort> ports,
    Map<String, String> selector,
    List<IpAddress> externalIps,
    String externalName,
    Optional<IpAddress> loadBalancerIp,
    List<Cidr> loadBalancerSourceRanges,
    String loadBalancerClass,
    boolean allocateLoadBalancerNodePorts,
    SessionAffinity sessionAffinity,
    Duration affinityTimeout,
    TrafficPolicy externalTrafficPolicy,
    TrafficPolicy internalTrafficPolicy,
    boolean publishNotReadyAddresses,
    int healthCheckNodePort,
    String trafficDistribution,
    List<LoadBalancerIngress> ingress,
    boolean maglev,
    Weights weights)
    implements Resource {
  /** Kubernetes' default of {@code sessionAffinityConfig.clientIP.timeoutSeconds}: 3 hours. */
  public static final Duration DEFAULT_AFFINITY_TIMEOUT = Duration.ofSeconds(10800);

  /** The label by which another proxy claims a service, as kube-proxy has it. */
  public static final String PROXY_LABEL = "service.kubernetes.io/service-proxy-name";

  /** How a service is reached. */
  public enum Type {
    CLUSTER_IP("ClusterIP"),
    NODE_PORT("NodePort"),
    LOAD_BALANCER("LoadBalancer"),
    EXTERNAL_NAME("ExternalName");

    private final String wireName;

    Type(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /** Which families a service has. */
  public enum IpFamilyPolicy {
    SINGLE_STACK("SingleStack"),
    PREFER_DUAL_STACK("PreferDualStack"),
    REQUIRE_DUAL_STACK("RequireDualStack");

    private final String wireName;

    IpFamilyPolicy(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /** Whether a client keeps its backend. */
  public enum SessionAffinity {
    NONE("None"),
    CLIENT_IP("ClientIP");

    private final String wireName;

    SessionAffinity(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /** Which backends traffic may go to. */
  public enum TrafficPolicy {
    CLUSTER("Cluster"),
    LOCAL("Local");

    private final String wireName;

    TrafficPolicy(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /**
   * A port of a service.
   *
   * @param name empty only where it is the service's one port
   * @param targetPort the pods' port, a number or a name; EndpointSlices have it resolved
   * @param nodePort 0: none
   */
  public record ServicePort(
      String name,
      Protocol protocol,
      int port,
      String targetPort,
      int nodePort,
      String appProtocol) {}

  /**
   * What a load balancer has set up.
   *
   * @param address absent where the load balancer goes by a host name
   * @param proxy whether packets arrive with another destination than this address
   */
  public record LoadBalancerIngress(Optional<IpAddress> address, String hostname, boolean proxy) {}

  public Service {
    clusterIps = List.copyOf(clusterIps);
    ipFamilies = List.copyOf(ipFamilies);
    ports = List.copyOf(ports);
    selector = Map.copyOf(selector);
    externalIps = List.copyOf(externalIps);
    loadBalancerSourceRanges = List.copyOf(loadBalancerSourceRanges);
    ingress = List.copyOf(ingress);
  }

  @Override
  public Kind kind() {
    return Kind.SERVICE;
  }

  /** Whether clients find the backends by DNS, without an address of the service's own. */
  public boolean headless() {
    return type != Type.EXTERNAL_NAME && clusterIps.isEmpty();
  }

  /** Whether it has addresses of its own that are ours to serve. */
  public boolean served() {
    return type != Type.EXTERNAL_NAME
        && !clusterIps.isEmpty()
        && !meta.labels().containsKey(PROXY_LABEL);
  }

  /** Whether it is served in a family; as with kube-proxy, it is where it has a cluster IP. */
  public boolean has(IpFamily family) {
    return clusterIps.stream().anyMatch(address -> address.family() == family);
  }

  /**
   * The addresses that a load balancer has set up and that packets arrive with. What is left over
   * of a former type counts for nothing.
   */
  public List<IpAddress> loadBalancerAddresses() {
    return type != Type.LOAD_BALANCER
        ? List.of()
        : ingress.stream().filter(i -> !i.proxy()).flatMap(i -> i.address().stream()).toList();
  }

  /**
   * All that this service claims: each of its addresses with each of its ports; node ports on the
   * unspecified address of each of its families.
   */
  public List<Frontend> frontends() {
    if (!served()) {
      return List.of();
    }
    List<IpAddress> addresses = new ArrayList<>(clusterIps);
    addresses.addAll(externalIps);
    addresses.addAll(loadBalancerAddresses());
    addresses.removeIf(address -> !has(address.family()));
    List<Frontend> frontends = new ArrayList<>();
    for (ServicePort port : ports) {
      for (IpAddress address : addresses) {
        frontends.add(new Frontend(address, port.port(), port.protocol()));
      }
      if (port.nodePort() != 0) {
        for (IpAddress address : clusterIps) {
          IpAddress any = IpAddress.any(address.family());
          frontends.add(new Frontend(any, port.nodePort(), port.protocol()));
        }
      }
    }
    return frontends;
  }
}
