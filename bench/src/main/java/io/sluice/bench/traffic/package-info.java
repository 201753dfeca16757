// SPDX-License-Identifier: Apache-2.0
/** How fast TCP is to a service, beside kube-proxy's rules and no service at all. */
package io.sluice.bench.traffic;
