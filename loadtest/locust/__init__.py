"""The load test in Locust: users, options, page. All that Locust does not promise is in `seams`."""
