"""What comes: forecasts of a KPI with intervals, and when a target or a trunk group's capacity will be crossed."""

from detectors.forecasting.capacity import GRADE_OF_SERVICE, Capacity, capacity, channels_of, offered
from detectors.forecasting.forecast import Accuracy, Forecast, forecast
from detectors.forecasting.pipeline import Outlook, outlook
from detectors.forecasting.scale import Kind

__all__ = [
    "GRADE_OF_SERVICE",
    "Accuracy",
    "Capacity",
    "Forecast",
    "Kind",
    "Outlook",
    "capacity",
    "channels_of",
    "forecast",
    "offered",
    "outlook",
]
