// SPDX-License-Identifier: Apache-2.0
/** What load balancers outside of the cluster ask: is this node worth sending traffic to. */
package io.sluice.actors.health;
